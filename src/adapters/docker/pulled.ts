import { imageForm, incompleteImage, pulledForm, read } from './forms.js';
import { gone, type Ask } from './ask.js';
import type { PulledImage } from '../../domain/sweep/judge-image.js';

/** An image that was pulled bears a name that says for whom, and when: an engine keeps nothing else about it. */
const repositoryOf = (deployment: string) => `creel-pulled/${deployment}`;

/** Names an image so. */
export async function markPulled(ask: Ask, reference: string, deployment: string): Promise<void> {
  const tag = `at-${Date.now()}`;
  await ask(
    `note that ${reference} was pulled`,
    (docker) => docker.getImage(reference).tag({ repo: repositoryOf(deployment), tag }),
    ({ status }) => (status === 404 ? gone : undefined),
  );
}

/** What was pulled for a deployment and is still there. */
export async function listPulled(ask: Ask, deployment: string): Promise<PulledImage[]> {
  const what = 'list images that were pulled';
  const filters = { reference: [repositoryOf(deployment)] };
  const listed = read(pulledForm, await ask(what, (docker) => docker.listImages({ filters })), what);
  return Promise.all(
    listed.map(async ({ Id, Labels, RepoTags }) => {
      const [, at = '0'] = /:at-(\d+)$/.exec(markOf(RepoTags, deployment) ?? '') ?? [];
      return { id: Id, labels: Labels, pulledAt: Number(at), isUsed: await isUsed(ask, Id) };
    }),
  );
}

/**
 * Removes an image under all of its names, the mark last: one that was interrupted is gone on with. What a container
 * is of, and what somebody else has named as well, keeps all but our mark.
 */
export async function removePulled(ask: Ask, id: string, deployment: string): Promise<'removed' | 'in use'> {
  const what = `look for image ${id}`;
  const found = await ask(
    what,
    (docker) => docker.getImage(id).inspect(),
    ({ status }) => (status === 404 ? gone : undefined),
  );
  if (found === gone) return 'removed';
  read(imageForm, found, what, incompleteImage(id));
  if (await isUsed(ask, id)) return 'in use';
  const marks = found.RepoTags.filter((name) => name.startsWith(`${repositoryOf(deployment)}:`));
  const isOurs = marks.length === found.RepoTags.length;
  for (const name of [...(isOurs ? found.RepoDigests : []), ...marks]) {
    const removed = await ask(
      `remove image ${name}`,
      (docker) => docker.getImage(name).remove(),
      ({ status }) => (status === 404 ? gone : status === 409 ? ('used' as const) : undefined),
    );
    if (removed === 'used') return 'in use';
  }
  return 'removed';
}

function markOf(names: readonly string[], deployment: string): string | undefined {
  return names.find((name) => name.startsWith(`${repositoryOf(deployment)}:`));
}

async function isUsed(ask: Ask, id: string): Promise<boolean> {
  const filters = { ancestor: [id] };
  const of = await ask(`list containers of ${id}`, (docker) => docker.listContainers({ all: true, limit: 1, filters }));
  return of.length > 0;
}
