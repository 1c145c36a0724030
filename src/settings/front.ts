import { Refused } from '../domain/errors.js';
import { Secret } from '../domain/secret.js';
import { readFrontUrl } from './front-url.js';
import { readPlans, type Plans } from './plans.js';

/** What the front door is opened with. It holds no master key. */
export type FrontSettings = {
  readonly host: string;
  readonly port: number;
  readonly plans: Plans;
  /** With which Stripe signs; several while one is replaced. */
  readonly stripe: readonly Secret[];
  /** With which a subscription is read again at Stripe; undefined: events are believed. */
  readonly stripeKey: Secret | undefined;
  /** With which any other billing system signs (Standard Webhooks), likewise. */
  readonly webhook: readonly Secret[];
};

const usualPort = 8_088;

/** The settings of `creel serve`, from the environment, which it forgets the secrets of; or `Refused`. */
export function readFront(env: NodeJS.ProcessEnv): FrontSettings {
  const stripe = secretsIn(env, 'CREEL_STRIPE_SECRETS');
  const webhook = secretsIn(env, 'CREEL_BILLING_SECRETS');
  const [stripeKey] = secretsIn(env, 'CREEL_STRIPE_KEY');
  const isFront = (env['CREEL_FRONT_URL'] ?? '') !== '';
  if (isFront) readFrontUrl(env);
  if (stripe.length === 0 && webhook.length === 0 && !isFront)
    throw new Refused(
      'nobody could be believed, and nobody invited: set CREEL_STRIPE_SECRETS to the signing secret of an endpoint of Stripe (whsec_…), or CREEL_BILLING_SECRETS to one of your own billing system, or both. To let in whom `creel invite` invites, CREEL_FRONT_URL is enough',
    );
  const plans = readPlans(env);
  if (plans.all.length === 0 && stripe.length + webhook.length > 0)
    throw new Refused('nothing is for sale: plans.toml has no [[plan]], or CREEL_PLANS names another file');
  return { ...addressIn(env['CREEL_SERVE_AT'] || `127.0.0.1:${usualPort}`), plans, stripe, stripeKey, webhook };
}

/** Secrets with a comma between them, which no longer stand in the environment that children get. */
function secretsIn(env: NodeJS.ProcessEnv, name: string): Secret[] {
  const text = env[name] ?? '';
  delete env[name];
  return text.split(',').flatMap((each) => (each.trim() === '' ? [] : [new Secret(each.trim())]));
}

function addressIn(text: string): { readonly host: string; readonly port: number } {
  const [, host = '', port = ''] = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(text) ?? [];
  if (host !== '' && Number(port) <= 65_535) return { host, port: Number(port) };
  throw new Refused(`CREEL_SERVE_AT is ${JSON.stringify(text)}: an address and a port, for example 127.0.0.1:8088`);
}
