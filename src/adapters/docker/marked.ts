import { z } from 'zod';
import type { Labels } from '../../domain/gateway/gateway.js';
import type { Marked } from '../../ports/docker-engine.js';
import type { Ask } from './ask.js';
import { listedForm, networksForm, read, volumeForm } from './forms.js';

/** Everything on an engine that carries a mark of creel's. */
export async function listMarked(ask: Ask): Promise<Marked[]> {
  const filters = { label: ['creel.deployment'] };
  const [containers, volumes, networks] = await Promise.all([
    ask('list containers', (docker) => docker.listContainers({ all: true, filters })),
    ask('list volumes', (docker) => docker.listVolumes({ filters })),
    ask('list networks', (docker) => docker.listNetworks({ filters })),
  ]);
  return [
    ...read(listedForm, containers, 'list containers').map(({ Id, Names, Labels }) =>
      marked('container', Names[0]?.slice(1) ?? Id, Labels),
    ),
    ...read(z.array(volumeForm), volumes.Volumes ?? [], 'list volumes').map(({ Name, Labels }) =>
      marked('volume', Name, Labels),
    ),
    ...read(networksForm, networks, 'list networks').map(({ Name, Labels }) => marked('network', Name, Labels)),
  ];
}

function marked(kind: Marked['kind'], name: string, labels: Labels): Marked {
  return { kind, name, labels };
}
