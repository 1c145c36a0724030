import { z } from 'zod';
import { isNamedLikeOurs, type Labels } from '../../domain/gateway/gateway.js';
import type { Marked } from '../../ports/docker-engine.js';
import type { Ask } from './ask.js';
import { listedForm, networksForm, read, volumeForm } from './forms.js';

const markLabel = 'creel.deployment';

/** Everything on an engine that carries a mark of creel's. */
export async function listMarked(ask: Ask): Promise<Marked[]> {
  return listed(ask, { label: [markLabel] });
}

/** Everything on an engine that is named as creel names things and carries no mark. */
export async function listUnmarked(ask: Ask): Promise<Pick<Marked, 'kind' | 'name'>[]> {
  const all = await listed(ask, { name: ['oc-'] });
  return all
    .filter(({ name, labels }) => isNamedLikeOurs(name) && labels[markLabel] === undefined)
    .map(({ kind, name }) => ({ kind, name }));
}

async function listed(ask: Ask, filters: Readonly<Record<string, string[]>>): Promise<Marked[]> {
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
