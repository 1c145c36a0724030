import type { IncomingHttpHeaders } from 'node:http';
import { Webhook } from 'standardwebhooks';
import type { Notice } from '../domain/billing/account.js';
import { Refused } from '../domain/errors.js';
import type { Secret } from '../domain/secret.js';
import { noticeForm } from './notice-form.js';

/** What a billing system of one's own said, and the plan or price that it names. */
export type OwnNotice = { readonly notice: Notice; readonly plan?: string };

/** The notice in a webhook that was signed with one of these secrets (Standard Webhooks), or `Refused`. */
export function ownNotice(body: Buffer, headers: IncomingHttpHeaders, secrets: readonly Secret[]): OwnNotice {
  const text = body.toString('utf8');
  const signed = {
    'webhook-id': String(headers['webhook-id'] ?? ''),
    'webhook-timestamp': String(headers['webhook-timestamp'] ?? ''),
    'webhook-signature': String(headers['webhook-signature'] ?? ''),
  };
  if (!secrets.some((secret) => isSigned(secret, text, signed))) throw new Refused('the signature is not good');
  const parsed = noticeForm.safeParse(parseJson(text));
  if (!parsed.success)
    throw new Refused(parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`.trim()).join('; '));
  const { at, plan, final, ...said } = parsed.data;
  const notice = { ...said, id: signed['webhook-id'], at: Date.parse(at), ...(final && { final }) };
  return { notice, ...(plan !== undefined && { plan }) };
}

function isSigned(secret: Secret, body: string, headers: Record<string, string>): boolean {
  try {
    new Webhook(secret.reveal()).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
