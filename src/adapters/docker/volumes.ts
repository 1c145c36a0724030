import { NotYet, StartOver } from '../../domain/errors.js';
import type { Volume } from '../../ports/docker-engine.js';
import { gone, type Ask } from './ask.js';
import { read, volumeForm } from './forms.js';

/** The volumes of an engine. */
export class Volumes {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  async createVolume(volume: Volume): Promise<void> {
    await this.#ask(`create volume ${volume.name}`, (docker) =>
      docker.createVolume({ Name: volume.name, Driver: 'local', Labels: { ...volume.labels } }),
    );
  }

  async findVolume(name: string): Promise<Volume | undefined> {
    const found = await this.#ask(
      `look for volume ${name}`,
      (docker) => docker.getVolume(name).inspect(),
      ({ status }) => (status === 404 ? gone : undefined),
    );
    if (found === gone) return undefined;
    const { Name, Labels } = read(volumeForm, found, `look for volume ${name}`);
    return { name: Name, labels: Labels };
  }

  async removeVolume(name: string): Promise<void> {
    await this.#ask(
      `remove volume ${name}`,
      (docker) => docker.getVolume(name).remove(),
      ({ status, text }) => {
        if (status === 409) throw new NotYet(`volume ${name} is in use: ${text}`);
        return status === 404 ? gone : undefined;
      },
    );
  }
}

/** Demands that the volume of a container exists: the engine would make one without a mark. */
export async function demandVolume(volumes: Volumes, volume: string, container: string): Promise<void> {
  if (!(await volumes.findVolume(volume))) throw new StartOver(`volume ${volume} of container ${container} is gone`);
}
