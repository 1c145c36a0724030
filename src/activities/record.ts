import { NotYet, StartOver } from '../domain/errors.js';
import { describeEngine } from '../domain/engine.js';
import { names, type Gateway } from '../domain/gateway.js';
import type { GatewayRecord } from '../domain/gateway-record.js';
import { describeChannels } from './channels.js';
import { containerOf } from './container.js';
import type { Deps } from './deps.js';
import { networkOf } from './network.js';
import { openSession } from './operator.js';

/**
 * The whole gateway read back by name, and proved usable once more: an authenticated connection from outside as a paired
 * device with `operator.admin`. Nothing of it comes from an earlier step's memory.
 */
export const findGateway = (deps: Deps) =>
  async function findGateway(gateway: Gateway): Promise<GatewayRecord> {
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
    if (container.state !== 'running')
      throw new NotYet(`container ${own.container} does not run (exit ${container.exitCode})`);
    const token = deps.keys.token(gateway);
    const egress = deps.door.probeEgress({ place, container: own.container, token });
    const session = await openSession(deps, gateway);
    session.close();
    const channels = await describeChannels(deps, gateway);
    return {
      version: session.hello.version,
      imageId: container.imageId,
      containerId: container.id,
      network: network.name,
      subnet: network.subnets[0] ?? '',
      port,
      volume: volume.name,
      operatorScopes: session.hello.scopes,
      channels,
      egress: await egress,
      keyId: deps.keys.of(gateway).id,
      provedAt: new Date().toISOString(),
      runsOn: describeEngine(host.engine),
    };
  };
