import { NotYet, Refused } from '../../../domain/errors.js';
import { names, type Gateway } from '../../../domain/gateway/gateway.js';
import { masked, plain } from '../../../domain/heard.js';
import { endpoints, providerOf } from '../../../domain/models/endpoint.js';
import type { Models } from '../../../domain/models/models.js';
import { turnMs, turnPaceMs, turnsMs } from '../../../domain/thresholds.js';
import type { Session } from '../../../ports/gateway-door.js';
import type { Unanswered } from '../../../wire/answer.js';
import type { Deps } from '../../../world/deps.js';
import { until } from '../../../world/until.js';
import { awaitTurn, beginTurn, deleteSession, type Fault, type Turn } from './control.js';
import { knownSecrets } from './known-secrets.js';
import { openSession } from './operator.js';

/** The session of every turn of creel's: one name, so that the next turn deletes what an attempt before it left. */
const session = 'creel-turn';

const message =
  'This is creel, which runs this gateway: it checks that messages are answered. Reply with OK and nothing else.';

/** Characters of what a gateway says of a turn that failed. */
const heardOfTurn = 300;

/** What came of a turn. */
type Verdict = { readonly answered: string } | { readonly unanswered: string; readonly fault: Fault | 'not reached' };

/**
 * A message through the gateway is answered by a model: said by creel's own device, in a session that is deleted again.
 * A gateway without models passes, and says so; so does one whose spec wants no turn. A provider that is down or cannot
 * be reached is waited for, with few turns; one that refuses is not.
 */
export async function probeTurn(deps: Deps, gateway: Gateway): Promise<string> {
  return awaitAnswer(deps, gateway, patience);
}

/** The same of models that a change gives: what it takes back when nobody is answered is tried by another change. */
export async function probeChangedTurn(deps: Deps, gateway: Gateway): Promise<string> {
  const { gateway: id } = gateway.mark;
  return awaitAnswer(deps, gateway, { ...patience, again: `\`creel change ${id} --models gateway.toml\`` });
}

/**
 * The same of a gateway that is being changed: whatever its provider itself is the reason of is answered, and not
 * thrown. No answer at all is.
 */
export async function findAnswer(deps: Deps, gateway: Gateway): Promise<string | Unanswered> {
  const { models } = gateway.spec;
  const passed = withoutTurn(models);
  if (!models || passed !== undefined) return passed ?? '';
  return patiently(deps, gateway, patience, async () => {
    const verdict = await tryTurn(deps, gateway, models, patience);
    if ('answered' in verdict) return verdict.answered;
    if (verdict.fault === 'other') throw new NotYet(verdict.unanswered);
    return { proof: `nobody is answered: ${verdict.unanswered}`, unanswered: verdict.unanswered };
  });
}

/** How long one turn may take, from one to the next, and all of them (ms). */
type Patience = {
  readonly turnMs: number;
  readonly paceMs: number;
  readonly limitMs: number;
  /** The command that asks anew; a repair when absent. */
  readonly again?: string;
};

const patience: Patience = { turnMs, paceMs: turnPaceMs, limitMs: turnsMs };

/** An answer within this patience, as `probeTurn` promises. */
export async function awaitAnswer(deps: Deps, gateway: Gateway, within: Patience): Promise<string> {
  const { models } = gateway.spec;
  const passed = withoutTurn(models);
  if (!models || passed !== undefined) return passed ?? '';
  return patiently(deps, gateway, within, async () => {
    const verdict = await tryTurn(deps, gateway, models, within);
    if ('answered' in verdict) return verdict.answered;
    const passes = verdict.fault === 'other' || verdict.fault === 'not reached';
    throw passes ? new NotYet(verdict.unanswered) : new Refused(verdict.unanswered);
  });
}

function withoutTurn(models: Models | undefined): string | undefined {
  if (!models) return 'no model: nobody is answered';
  return models.proveTurn === false ? 'not tried: prove_turn = false' : undefined;
}

function patiently<T>(deps: Deps, { mark }: Gateway, { paceMs, limitMs }: Patience, ask: () => Promise<T>): Promise<T> {
  return until({ what: `an answer of gateway ${mark.gateway}`, paceMs, limitMs }, deps.signal(), ask);
}

async function tryTurn(
  deps: Deps,
  gateway: Gateway,
  models: Models,
  { turnMs: limitMs, again = `\`creel provision ${gateway.mark.gateway}\`` }: Patience,
): Promise<Verdict> {
  const obstacle = await findObstacle(deps, gateway, models);
  if (obstacle !== undefined) return { unanswered: obstacle, fault: 'not reached' };
  const began = Date.now();
  const turn = await takeTurn(deps, gateway, limitMs);
  if (!turn)
    return { unanswered: `${models.default} has not answered within ${Math.round(limitMs / 1000)} s`, fault: 'other' };
  if (!turn.answered) return unanswered(deps, gateway, models, turn, again);
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  return { answered: `answered by ${answerer(models, turn.by)} in ${seconds} s` };
}

/** A fallback that answers is an answer, and is named. */
function answerer(models: Models, by = models.default): string {
  return by === models.default ? by : `${by}, because ${models.default} does not answer`;
}

/** Why the gateway reaches none of the places at which its models are asked: then nothing is asked. */
async function findObstacle(deps: Deps, gateway: Gateway, models: Models): Promise<string | undefined> {
  const { mark, place } = gateway;
  const inside = { place, container: names(mark).container, token: deps.keys.token(gateway) };
  const seen: string[] = [];
  for (const to of endpoints(models)) {
    const obstacle = await deps.door.findObstacle(inside, to);
    if (obstacle === undefined) return undefined;
    seen.push(`${to.host}:${to.port} ${obstacle}`);
  }
  if (seen.length === 0) return undefined;
  return `gateway ${mark.gateway} does not reach its models (${seen.join('; ')}). See docs/runbook.md#no-answer`;
}

/**
 * One turn: the session of an earlier one goes first, and its own whatever comes of it. Undefined when nothing came of
 * it in time.
 */
async function takeTurn(deps: Deps, gateway: Gateway, limitMs: number): Promise<Turn | undefined> {
  const connection = await openSession(deps, gateway);
  try {
    await deleteSession(connection, session);
    const turn = await ask(deps, connection, limitMs);
    await deleteSession(connection, session);
    return turn;
  } catch (error) {
    await deleteAnew(deps, gateway).catch(() => undefined); // What came of the turn says more; the next one deletes it.
    throw error;
  } finally {
    connection.close();
  }
}

/** The same through another connection: one that a flood of words has cut is good for nothing more, and the run would go on. */
async function deleteAnew(deps: Deps, gateway: Gateway): Promise<void> {
  const connection = await openSession(deps, gateway);
  try {
    await deleteSession(connection, session);
  } finally {
    connection.close();
  }
}

async function ask(deps: Deps, connection: Session, limitMs: number): Promise<Turn | undefined> {
  const run = await beginTurn(connection, session, message);
  const end = Date.now() + limitMs;
  const wait = { what: 'an answer', paceMs: 100, limitMs: Infinity };
  return until(wait, deps.signal(), async () => {
    const ended = await awaitTurn(connection, run);
    if (!ended && Date.now() < end) throw new NotYet('its model has not answered');
    return ended;
  });
}

/** What it means that nobody was answered, with the cure. */
async function unanswered(
  deps: Deps,
  gateway: Gateway,
  models: Models,
  { fault, said }: Extract<Turn, { answered: false }>,
  again: string,
): Promise<Verdict> {
  const heard = masked(plain(said, heardOfTurn), await knownSecrets(deps, gateway));
  if (fault === 'other') return { unanswered: `${models.default} does not answer: ${heard}`, fault: 'other' };
  const provider = providerOf(models.default, models);
  const secret = provider?.key?.replace(/^secret:/, '') ?? 'NAME';
  const sentence = sentences[fault]({ id: gateway.mark.gateway, provider: provider?.id ?? '', secret, heard, again });
  return { unanswered: `${sentence}. See docs/runbook.md#no-answer`, fault };
}

type About = {
  readonly id: string;
  readonly provider: string;
  readonly secret: string;
  readonly heard: string;
  readonly again: string;
};

/** Each fault with its cure. */
const sentences: Readonly<Record<Exclude<Fault, 'other'>, (about: About) => string>> = {
  'wrong key': ({ id, provider, secret, heard, again }) =>
    `provider ${provider} refuses the key of gateway ${id} (${heard}). Store the right one with \`creel secret set ${secret}\`, then ${again} takes it up`,
  'no key': ({ id, provider, secret, heard, again }) =>
    `gateway ${id} has no key for provider ${provider} (${heard}). Store it with \`creel secret set ${secret}\`, then ${again} takes it up`,
  'no credit': ({ id, provider, heard, again }) =>
    `the account of gateway ${id} at provider ${provider} has no credit (${heard}). Top it up; ten minutes later ${again} asks again, because a gateway lets a key rest that was refused`,
  resting: ({ id, provider, heard, again }) =>
    `gateway ${id} lets the key of provider ${provider} rest, which was refused before (${heard}). After that time ${again} asks again`,
  'unknown model': ({ id, provider, heard }) =>
    `provider ${provider} does not have the model of gateway ${id} (${heard}). Name another one with \`creel change ${id} --models FILE\``,
};
