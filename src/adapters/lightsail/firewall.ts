import type { InstancePortState } from '@aws-sdk/client-lightsail';
import { NotYet, StartOver } from '../../domain/errors.js';
import { isSameFirewall, type Firewall } from '../../domain/hosts/firewall.js';
import { machineNames, type MachineAt } from '../../domain/hosts/machine.js';
import type { Lightsail } from './ask.js';

/** Opens what the firewall says and closes the rest; nothing is asked for where it is so already. */
export async function ensureFirewall(lightsail: Lightsail, at: MachineAt, firewall: Firewall): Promise<void> {
  if (await isInForce(lightsail, at, firewall)) return;
  const { machine } = machineNames(at.mark);
  const portInfos = firewall.rules.map(({ port, from }) => ({
    fromPort: port,
    toPort: port,
    protocol: 'tcp' as const,
    cidrs: [...from], // Left out, it would be everybody.
  }));
  await lightsail.ask(at.region, 'PutInstancePublicPorts', machine, (client, sdk, options) =>
    client.send(new sdk.PutInstancePublicPortsCommand({ instanceName: machine, portInfos }), options),
  );
  if (!(await isInForce(lightsail, at, firewall)))
    throw new NotYet(`machine ${machine} in ${at.region}: its firewall is not in force yet`);
}

async function isInForce(lightsail: Lightsail, at: MachineAt, firewall: Firewall): Promise<boolean> {
  const { machine } = machineNames(at.mark);
  const answer = await lightsail.find(at.region, 'GetInstancePortStates', machine, (client, sdk, options) =>
    client.send(new sdk.GetInstancePortStatesCommand({ instanceName: machine }), options),
  );
  if (!answer) throw new StartOver(`machine ${machine} in ${at.region} is gone`);
  const open = (answer.portStates ?? []).filter(({ state }) => state !== 'closed');
  return open.every(isPlain) && isSameFirewall({ rules: open.map(ruleOf) }, firewall);
}

/** Whether it is one TCP port for IPv4 networks and nothing more. */
function isPlain({ fromPort, toPort, protocol, ipv6Cidrs, cidrListAliases }: InstancePortState): boolean {
  const opensMore = (ipv6Cidrs ?? []).length > 0 || (cidrListAliases ?? []).length > 0;
  return protocol === 'tcp' && fromPort === toPort && !opensMore;
}

function ruleOf({ fromPort = -1, cidrs = [] }: InstancePortState): Firewall['rules'][number] {
  return { port: fromPort, from: cidrs };
}
