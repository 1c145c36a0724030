import { NotYet, Refused, StartOver } from '../../domain/errors.js';
import { describeEngine } from '../../domain/hosts/engine.js';
import { configFile, tokenIn } from '../../domain/gateway/config.js';
import { otherEgress } from '../../domain/hosts/egress.js';
import { names, type Gateway } from '../../domain/gateway/gateway.js';
import { servedChannels } from '../../domain/release/image.js';
import { isOver, overText } from '../../domain/gateway/state-size.js';
import type { GatewayRecord } from '../../domain/gateway/reading.js';
import { recordChannels } from './door/channels.js';
import { configText } from './config/config.js';
import { containerOf } from './container/container.js';
import { whoAnswers } from '../../domain/models/models.js';
import type { Secret } from '../../domain/secret.js';
import type { Container } from '../../ports/docker-engine.js';
import type { Deps } from '../../world/deps.js';
import { networkOf } from './network.js';
import { findStateUse } from './state-use.js';
import { openSession } from './door/operator.js';
import { until } from '../../world/until.js';
import { blamed, driftOf } from './config/owned.js';

/**
 * The whole gateway read back by name, and proved usable once more: an authenticated connection from outside as a
 * paired device with `operator.admin`. Nothing in it comes from an earlier step's memory.
 */
export async function findGateway(deps: Deps, gateway: Gateway): Promise<GatewayRecord> {
  const { place, mark } = gateway;
  const engine = deps.engineAt(place);
  const own = names(mark);
  const [container, { network, port }, volume, host] = await Promise.all([
    containerOf(deps, gateway),
    networkOf(deps, gateway),
    engine.findVolume(own.volume),
    deps.hosts.readHost(place),
  ]);
  if (!volume) throw new StartOver(`volume ${own.volume} is gone from host ${place.host}`);
  if (container.state !== 'running') throw new NotYet(notRunning(container));
  const token = deps.keys.token(gateway);
  const egress = deps.door.probeEgress({ place, container: own.container, token });
  egress.catch(() => undefined); // Not awaited if the reading fails before.
  const counted = gateway.spec.diskMb === undefined ? undefined : findStateUse(engine, container.id);
  counted?.catch(() => undefined); // Nor this.
  const text = await configText(deps, gateway, container);
  const found = await driftOf(deps, gateway, text);
  const session = await openSession(deps, gateway).catch((error: unknown) => {
    throw blamed(gateway, found, error);
  });
  session.close();
  const channels = await recordChannels(deps, gateway);
  const findings = [...found.map(({ sentence }) => sentence), ...strangeToken(gateway, token, text)];
  const way = otherEgress(container.labels, deps.egress, mark.gateway);
  if (way !== undefined) findings.push(way);
  const image = await engine.findImage(container.imageId);
  const stateBytes = await counted;
  findings.push(...overDisk(gateway, stateBytes));
  return {
    version: session.hello.version,
    imageId: container.imageId,
    containerId: container.id,
    network: network.name,
    subnet: network.subnets[0] ?? '',
    port,
    volume: volume.name,
    operatorScopes: session.hello.scopes,
    ...channels,
    egress: await egress,
    keyId: deps.keys.of(gateway).id,
    provedAt: new Date().toISOString(),
    runsOn: describeEngine(host.engine, host.unseenDirectories),
    ...(gateway.spec.models && { model: whoAnswers(gateway.spec.models) }),
    ...(image && { serves: servedChannels(image) }),
    ...(stateBytes !== undefined && { stateBytes }),
    ...(findings.length > 0 && { findings }),
  };
}

function overDisk({ mark, spec }: Gateway, bytes: number | undefined): string[] {
  if (bytes === undefined || spec.diskMb === undefined || !isOver(bytes, spec.diskMb)) return [];
  return [overText(mark.gateway, bytes, spec.diskMb)];
}

/** A running gateway holds its token in memory: another one in its config comes into force with the next start. */
function strangeToken({ mark, tokenGeneration }: Gateway, token: Secret, text: string | undefined): string[] {
  if (tokenIn(text) === token.reveal()) return [];
  return [
    `${configFile} does not hold the token of generation ${tokenGeneration}, which is in force until the next start: somebody changed it. Put the old one back, or stop the container and run \`creel provision ${mark.gateway}\``,
  ];
}

/**
 * The gateway after a failed change, read back by name and proved usable. One whose container has ended is `Refused` at
 * once; one that runs gets the time of a start.
 */
export async function findUnchanged(deps: Deps, gateway: Gateway): Promise<GatewayRecord> {
  const wait = { what: `gateway ${gateway.mark.gateway} does not serve`, paceMs: 1_000, limitMs: deps.startPeriodMs };
  return until(wait, deps.signal(), async () => {
    const { name, state, exitCode } = await containerOf(deps, gateway);
    if (state !== 'running' && state !== 'restarting') throw new Refused(notRunning({ name, state, exitCode }));
    return findGateway(deps, gateway);
  });
}

function notRunning({ name, state, exitCode }: Pick<Container, 'name' | 'state' | 'exitCode'>): string {
  if (state === 'paused') return `container ${name} is paused`;
  return `container ${name} does not run (exit ${exitCode})`;
}
