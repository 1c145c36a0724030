import { Refused } from '../domain/errors.js';

/** Under which address customers reach `creel serve`, without a slash at its end; or `Refused`. */
export function readFrontUrl(env: NodeJS.ProcessEnv): string {
  const text = env['CREEL_FRONT_URL'] ?? '';
  const example = 'for example https://gateways.example.com';
  if (text === '')
    throw new Refused(`CREEL_FRONT_URL does not say under which address customers reach \`creel serve\`: ${example}`);
  if (!URL.canParse(text)) throw new Refused(`CREEL_FRONT_URL is ${JSON.stringify(text)}: an address, ${example}`);
  const { protocol, hostname, href, search, hash } = new URL(text);
  const isHere = ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
  if (protocol !== 'https:' && !(protocol === 'http:' && isHere))
    throw new Refused(`CREEL_FRONT_URL is ${JSON.stringify(text)}, and links are given over HTTPS alone: ${example}`);
  if (search !== '' || hash !== '') throw new Refused(`CREEL_FRONT_URL is ${JSON.stringify(text)}: ${example}`);
  return href.replace(/\/+$/, '');
}
