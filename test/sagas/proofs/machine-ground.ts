import type { Gateway } from '../../../src/domain/gateway/gateway.js';
import { machineNames } from '../../../src/domain/hosts/machine.js';
import type { MachineWish } from '../../../src/domain/hosts/machine-wish.js';
import { placeFor } from '../../../src/domain/hosts/place.js';
import { DirectoryEngine } from '../../world/directory-engine.js';
import { accountOf, rootOf } from '../../world/machine-world.js';
import type { TestWorld } from '../../world/open-test-world.js';
import type { SagaGround } from './saga-proofs.js';

export const testMachine: MachineWish = { provider: 'lightsail', region: 'eu-central-1', address: 'static' };

/** A gateway that is to have a machine of its own. */
export function onMachine(world: TestWorld, id = 'g42', machine = testMachine): Gateway {
  const { spec, ...gateway } = world.gateway(id);
  const place = placeFor(gateway.mark, machine, gateway.place);
  return { ...gateway, place, spec: { ...spec, memoryMb: 1536, machine } };
}

/** What stands on the bill of a world's account: machines and addresses, running or not. */
export function billOf(world: TestWorld): string[] {
  return accountOf(world.root).bill('eu-central-1');
}

/** A machine of the gateway's own, which is all that is bought. */
export function machineGround(world: TestWorld): SagaGround {
  const gateway = onMachine(world);
  const { machine, address } = machineNames(gateway.mark);
  return {
    gateway,
    engine: () => new DirectoryEngine(rootOf(world.root, gateway.place)),
    bought: () => billOf(world),
    ownsBought: [`machine ${machine}`, `address ${address}`],
  };
}
