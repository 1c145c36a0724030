import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import type { ContainerSpec, RestartPolicy } from '../../src/domain/gateway/container.js';
import { copierLabels, isCopying, meetCopier, type Way } from '../../src/domain/changes/copying.js';
import { Away, NotYet, Refused, StartOver } from '../../src/domain/errors.js';
import { configFile } from '../../src/domain/gateway/config.js';
import { plainLines } from '../../src/domain/heard.js';
import { demandEngine, type FormerIds } from '../../src/domain/hosts/engine-id.js';
import { isNamedLikeOurs, type Labels } from '../../src/domain/gateway/gateway.js';
import { fenceTargets } from '../../src/domain/hosts/fence-trial.js';
import type { LogLine } from '../../src/domain/gateway/log.js';
import type { Place } from '../../src/domain/hosts/place.js';
import type { Image } from '../../src/domain/release/image.js';
import { writeStateMark } from '../../src/domain/gateway/state-mark.js';
import type {
  Container,
  ContainerLimits,
  DockerEngine,
  ErrandSpec,
  ExecRequest,
  ExecResult,
  FenceTrial,
  FenceTried,
  FileOwner,
  LogWish,
  Marked,
  Network,
  OwnedFile,
  Process,
  Volume,
  VolumeCopy,
  WriterSpec,
} from '../../src/ports/docker-engine.js';
import type { PulledImage } from '../../src/domain/sweep/judge-image.js';
import type { TrialThing } from '../../src/domain/sweep/judge-trial.js';
import { DirectoryCopies, nothingSaved, tornState, type Seen } from './directory-copies.js';
import {
  createFile,
  listNames,
  ownerOf,
  readRecord,
  readText,
  removeTree,
  replaceFile,
  touchFile,
} from './directory-files.js';
import { followLog, readLog, writeLog } from './directory-logs.js';
import { containerNameOf, rememberName } from './directory-names.js';
import {
  containerRecord,
  imageRecord,
  networkRecord,
  stateRecord,
  volumeRecord,
  type ContainerRecord,
  type StateRecord,
} from './directory-records.js';

type Kind = 'volume' | 'network' | 'container';

/**
 * A Docker engine over one directory that many processes may share; every resource survives a SIGKILL at any moment.
 *
 *     images/<reference>.json       what is on the engine           registry/<reference>.json  what a pull can get
 *     volumes/<name>.json           files/<volume>/<path>           the file itself, with its real mode
 *     networks/<subnet>.json        a subnet can exist once         containers/<name>.json     a name can exist once
 *     states/<id>.json              what changes in a container     logs/<id>                  what it said, and when
 *     users/<kind>/<key>/<id>       who may use a volume, network, port, network name; a hint, checked when read
 *     renamed/<id>                  its name now, when it had another
 *     taken-ports/<port>            something foreign listens       down                       the engine does not answer
 *     owners/<file>                 whose a file is when it is not the gateway's user's
 *     full                          no state fits the disk
 *     no-room                       nothing fits it that needs any room
 *     open-fence                    what of its surroundings gateways reach
 *     copies/…, copies-paused       what copiers do (`DirectoryCopies`)
 *
 * References, subnets and the like are URL-encoded in file names.
 */
export class DirectoryEngine implements DockerEngine {
  readonly root: string;
  /** Called between two pieces of a copy that somebody waits for here: what it throws ends the wait, and the copier stays. */
  betweenPieces: ((copy: VolumeCopy, piece: number) => Promise<void> | void) | undefined;
  /** Called when a copier stands there and is about to be started. */
  beforeCopy: ((copier: string) => Promise<void> | void) | undefined;
  readonly #place: Pick<Place, 'engine'>;
  readonly #formerIds: FormerIds;
  #copies: DirectoryCopies;
  readonly #signal: () => AbortSignal | undefined;

  constructor(
    root: string,
    signal: () => AbortSignal | undefined = () => undefined,
    place: Pick<Place, 'engine'> = {},
    formerIds: FormerIds = () => [],
  ) {
    this.root = root;
    this.#formerIds = formerIds;
    this.#place = place;
    this.#copies = new DirectoryCopies(root);
    this.#signal = signal;
    for (const kind of ['volumes', 'networks', 'containers']) fs.mkdirSync(path.join(root, kind), { recursive: true });
  }

  /** This very engine as a place demands it. */
  at(place: Pick<Place, 'engine'>): DirectoryEngine {
    const demanded = new DirectoryEngine(this.root, this.#signal, place, this.#formerIds);
    demanded.#copies = this.#copies;
    demanded.betweenPieces = (copy, piece) => this.betweenPieces?.(copy, piece);
    demanded.beforeCopy = (copier) => this.beforeCopy?.(copier);
    return demanded;
  }

  async findImage(reference: string): Promise<Image | undefined> {
    this.#answer();
    return this.#image(reference);
  }

  async pullImage(reference: string, say: (sentence: string) => void): Promise<void> {
    this.#answer();
    say(`pulling ${reference}`);
    const offered = readText(this.#at('registry', reference));
    if (offered !== undefined) return replaceFile(this.#at('images', reference), offered);
    if (!this.#image(reference))
      throw new Refused(`${reference}: manifest unknown. Name an image that the registry has`);
  }

  async markPulled(reference: string, deployment: string): Promise<void> {
    this.#answer();
    const image = this.#image(reference);
    if (image) replaceFile(this.#at('pulled', `${deployment} ${image.id}`), String(Date.now()));
  }

  /** Notes of an image that it was pulled at another time. */
  notePulled(id: string, deployment: string, at: number): void {
    replaceFile(this.#at('pulled', `${deployment} ${id}`), String(at));
  }

  async listPulled(deployment: string): Promise<PulledImage[]> {
    this.#answer();
    const containers = this.containers();
    return this.#all('images', imageRecord).flatMap((image) => {
      const at = readText(this.#at('pulled', `${deployment} ${image.id}`));
      const isUsed = containers.some(({ imageId }) => imageId === image.id);
      return at === undefined ? [] : [{ ...image, pulledAt: Number(at), isUsed }];
    });
  }

  async removePulled(id: string, deployment: string): Promise<'removed' | 'in use'> {
    this.#answer();
    if (this.containers().some(({ imageId }) => imageId === id)) return 'in use';
    const directory = path.dirname(this.#at('images', id));
    for (const name of listNames(directory))
      if (readRecord(path.join(directory, name), imageRecord)?.id === id) fs.rmSync(path.join(directory, name));
    fs.rmSync(this.#at('pulled', `${deployment} ${id}`), { force: true });
    return 'removed';
  }

  async saveImage(reference: string): Promise<Readable> {
    this.#answer();
    return Readable.from([Buffer.from(JSON.stringify(this.#image(reference)))]);
  }

  async loadImage(reference: string, saved: Readable): Promise<void> {
    this.#answer();
    replaceFile(this.#at('images', reference), await text(saved));
  }

  async removeImage(reference: string): Promise<void> {
    this.#answer();
    const image = this.#image(reference);
    if (!image || this.containers().some(({ imageId }) => imageId === image.id)) return;
    fs.rmSync(this.#at('images', reference), { force: true });
  }

  async createVolume(volume: Volume): Promise<void> {
    this.#answer();
    createFile(this.#at('volumes', volume.name), JSON.stringify(volume));
  }

  async findVolume(name: string): Promise<Volume | undefined> {
    this.#answer();
    return readRecord(this.#at('volumes', name), volumeRecord);
  }

  async removeVolume(name: string): Promise<void> {
    this.#answer();
    const user = this.#usersOf('volume', name)[0];
    if (user) throw new NotYet(`volume ${name} is in use by container ${user.name}`);
    removeTree(path.join(this.root, 'files', encodeURIComponent(name)));
    fs.rmSync(this.#at('volumes', name), { force: true });
  }

  async saveVolume(copy: VolumeCopy): Promise<void> {
    if ((await this.#copy('save', copy)) === tornState)
      throw new Refused(`volume ${copy.state} says that it is torn: a copy into it was cut short. It is not saved`);
  }

  async restoreVolume(copy: VolumeCopy): Promise<'restored' | 'nothing saved'> {
    return (await this.#copy('restore', copy)) === nothingSaved ? 'nothing saved' : 'restored';
  }

  async createNetwork(network: { name: string; labels: Labels; subnet: string }) {
    this.#answer();
    if (this.#networks(network.name).length > 0) return 'name taken' as const;
    return this.addNetwork(network);
  }

  async findNetworks(name: string): Promise<Network[]> {
    this.#answer();
    return this.#networks(name).map(({ subnet, ...network }) => ({ ...network, subnets: [subnet] }));
  }

  async removeNetwork(id: string): Promise<void> {
    this.#answer();
    const network = this.#networkIfThere(id);
    if (!network) return;
    const user = this.#usersOf('network', network.name)[0];
    if (user) throw new NotYet(`network ${network.name} still has container ${user.name} attached`);
    fs.rmSync(this.#at('networks', network.subnet), { force: true });
    fs.rmSync(this.#hint('network-name', network.name, id), { force: true });
  }

  async createContainer(spec: ContainerSpec): Promise<'created' | 'name taken'> {
    this.#answer();
    this.#demandRoom(`make container ${spec.name}`);
    const { name, labels, imageId, command, network, publish, volume, restartPolicy } = spec;
    if (network !== undefined && this.#networks(network).length === 0)
      throw new StartOver(`network ${network} of container ${name} is gone`);
    return this.#addContainer(
      {
        id: newId(name),
        name,
        labels,
        imageId,
        command: [...command],
        environment: { ...spec.environment },
        network: network ?? null,
        hostPort: publish?.hostPort ?? null,
        volume: volume.name,
        target: volume.target,
        memoryMb: spec.memoryMb,
        cpus: spec.cpus,
      },
      restartPolicy,
    );
  }

  async createWriter(spec: WriterSpec): Promise<'created' | 'name taken'> {
    this.#answer();
    this.#demandRoom(`make container ${spec.name}`);
    return this.#addContainer({ ...spec, id: newId(spec.name), command: [], network: null, hostPort: null }, 'no');
  }

  async findContainer(name: string): Promise<Container | undefined> {
    this.#answer();
    const record = readRecord(this.#at('containers', name), containerRecord);
    if (!record) return undefined;
    this.#letCopierGoOn(record);
    const { id, labels, imageId, memoryMb = 0, cpus = 0 } = record;
    const { networkId: _networkId, wedged: _wedged, heldMb: _heldMb, ...state } = this.#state(record);
    return { id, name, labels, imageId, ...state, memoryMb: state.memoryMb ?? memoryMb, cpus: state.cpus ?? cpus };
  }

  async renameContainer(id: string, name: string): Promise<'renamed' | 'name taken'> {
    const record = this.#container(id);
    if (record.name === name) return 'renamed';
    this.#demandRoom(`rename container ${record.name}`);
    if (!createFile(this.#at('containers', name), JSON.stringify({ ...record, name }))) return 'name taken';
    rememberName(this.root, id, name);
    fs.rmSync(this.#at('containers', record.name), { force: true });
    return 'renamed';
  }

  async findProcess(id: string): Promise<Process | undefined> {
    this.#answer();
    const record = this.#containerIfThere(id);
    return record?.id === id ? { command: record.command, environment: record.environment ?? {} } : undefined;
  }

  async startContainer(id: string): Promise<'running' | 'port taken'> {
    const record = this.#container(id);
    if (['running', 'restarting'].includes(this.#state(record).state)) return 'running';
    this.#demandRoom(`start container ${record.name}`);
    const networkId = this.#networkFor(record);
    if (record.hostPort !== null && this.isPortTaken(record.hostPort)) return 'port taken';
    const startedAt = new Date().toISOString();
    this.#change(record, { state: 'running', wedged: false, exitCode: 0, outOfMemory: false, startedAt, networkId });
    return 'running';
  }

  async stopContainer(id: string, _graceS: number): Promise<void> {
    this.#answer();
    const record = this.#containerIfThere(id);
    if (!record || !['running', 'restarting', 'paused'].includes(this.#state(record).state)) return;
    const hangs = this.#image(record.imageId)?.labels['test.behaviour'] === 'hangs on stop';
    this.#change(record, { state: 'exited', exitCode: hangs ? 137 : 0 });
  }

  async unpauseContainer(id: string): Promise<void> {
    const record = this.#container(id);
    if (this.#state(record).state === 'paused') this.#change(record, { state: 'running' });
  }

  async removeContainer(id: string): Promise<void> {
    this.#answer();
    const record = this.#containerIfThere(id);
    if (!record) return;
    fs.rmSync(this.#at('containers', record.name), { force: true });
    this.#dropTraces(record);
  }

  async updateContainer(id: string, limits: ContainerLimits): Promise<void> {
    const record = this.#container(id);
    const { state, heldMb = restMb } = this.#state(record);
    if (state === 'running' && heldMb > limits.memoryMb)
      throw new Refused(`container ${record.name} holds ${heldMb} MB: it cannot be given ${limits.memoryMb} MB`);
    this.#change(record, limits);
  }

  async findMemoryInUse(id: string): Promise<number | undefined> {
    return this.#state(this.#container(id)).heldMb ?? restMb;
  }

  /** The processes of a container hold so much of its memory. */
  hold(name: string, heldMb: number): void {
    const record = readRecord(this.#at('containers', name), containerRecord);
    if (!record) throw new Error(`no container ${name} to fill`);
    this.#change(record, { heldMb });
  }

  async setRestartPolicy(id: string, policy: RestartPolicy): Promise<void> {
    const record = this.#container(id);
    this.#demandRoom(`change container ${record.name}`);
    this.#change(record, { restartPolicy: policy });
  }

  async writeFiles(id: string, directory: string, files: readonly OwnedFile[]): Promise<void> {
    const record = this.#container(id);
    this.#demandRoom(`write into container ${record.name}`);
    for (const file of files) {
      const place = this.#placeOf(record, path.posix.join(directory, file.path));
      if (!place)
        throw new Error(`${directory} of container ${record.name} is read-only: only ${record.target} is not`);
      if (fs.lstatSync(place, { throwIfNoEntry: false })?.isDirectory()) fs.rmSync(place, { recursive: true });
      replaceFile(place, file.content, file.mode);
      this.#own(place, file.uid);
    }
  }

  async readFile(id: string, file: string): Promise<string | undefined> {
    const place = this.#placeOf(this.#container(id), file);
    const found = place === undefined ? undefined : fs.lstatSync(place, { throwIfNoEntry: false });
    if (found && !found.isFile()) throw new Refused(`${file} is not a file`);
    return place && readText(place);
  }

  async findOwner(id: string, file: string): Promise<FileOwner | undefined> {
    const place = this.#placeOf(this.#container(id), file);
    if (!place || !fs.existsSync(place)) return undefined;
    return { uid: ownerOf(this.root, place), mode: fs.statSync(place).mode & 0o7777 };
  }

  /** Hands a file of a volume to another user, as `docker cp` does. */
  handOver(volume: string, file: string, uid: number): void {
    this.#own(path.join(this.root, 'files', encodeURIComponent(volume), file), uid);
  }

  #own(place: string, uid: number): void {
    if (ownerOf(this.root, place) === uid) return;
    replaceFile(path.join(this.root, 'owners', encodeURIComponent(path.relative(this.root, place))), String(uid));
  }

  /** Knows `cat`; any other is one that the image lacks. */
  async exec(id: string, request: ExecRequest): Promise<ExecResult> {
    const record = this.#container(id);
    if (this.#state(record).state !== 'running') throw new NotYet(`container ${record.name} does not run`);
    if (request.command[0] === 'timeout')
      return { exitCode: 0, stdout: `${this.#kilobytes(record.volume)}\t.\n`, stderr: '' };
    if (request.command[0] === 'cat') return { exitCode: 0, stdout: request.input, stderr: '' };
    return { exitCode: 127, stdout: '', stderr: `${request.command[0]}: not found` };
  }

  /** Knows `true`, `false`, has a config judged (`… validate …`), and measures a state (`timeout …`); anything else ends as the image's label `test.errand` says. */
  async runErrand({ name, imageId, command, mounts }: ErrandSpec): Promise<ExecResult> {
    this.#answer();
    for (const { volume } of mounts) {
      if (!fs.existsSync(this.#at('volumes', volume)))
        throw new StartOver(`volume ${volume} of container ${name} is gone`);
    }
    const copier = readRecord(this.#at('containers', name), containerRecord);
    if (copier) this.#letCopierGoOn(copier);
    if (copier && isCopying({ ...this.#state(copier), labels: copier.labels }))
      throw new NotYet(`${name} is at a copy`);
    if (copier) await this.removeContainer(copier.id);
    if (command[0] === 'timeout')
      return { exitCode: 0, stdout: `${this.#kilobytes(mounts[0]?.volume ?? '')}\t.\n${this.#tooDeep()}`, stderr: '' };
    if (command.includes('validate')) return this.#validate(mounts.map(({ volume }) => volume));
    const [from, to] = [mounts.find(({ readOnly }) => readOnly), mounts.find(({ readOnly }) => !readOnly)];
    if (from && to) this.#copyForErrand(from.volume, command.includes(`${from.target}/state`), to.volume);
    const stdout = this.#image(imageId)?.labels['test.errand'] ?? '{"problems":[]}';
    return { exitCode: command[0] === 'false' ? 1 : 0, stdout: `${stdout}\n`, stderr: '' };
  }

  /** What a release says of the config in a state, without starting on it. */
  #validate([volume = '']: readonly string[]): ExecResult {
    const file = path.join(this.root, 'files', encodeURIComponent(volume), configFile);
    const unknown = Object.keys(JSON.parse(readText(file) ?? '{}')).filter((key) => key === 'customerNotes');
    const issues = unknown.map((key) => ({ path: '', message: `Unrecognized key: "${key}"` }));
    const stdout = `${JSON.stringify({ valid: issues.length === 0, issues })}\n`;
    return { exitCode: issues.length === 0 ? 0 : 1, stdout, stderr: '' };
  }

  /** What an errand does that reads one volume and writes another; a saved state lies below. */
  #copyForErrand(from: string, saved: boolean, to: string): void {
    const directory = (name: string) => path.join(this.root, 'files', encodeURIComponent(name));
    removeTree(directory(to));
    copyTree(saved ? path.join(directory(from), 'state') : directory(from), directory(to));
  }

  /** The fence stands, but for what a file `open-fence` names, which gateways reach: grounds, in words of their own. */
  async tryFence({ exceptions }: FenceTrial): Promise<FenceTried> {
    this.#answer();
    const open = readText(path.join(this.root, 'open-fence'))?.split(/\s+/) ?? [];
    const sight = { addresses: [{ device: 'eth0', address: '192.0.2.7' }], router: '10.0.0.1', port: 40_000 };
    const knocked = fenceTargets(sight, { address: '10.213.0.18', port: 18_789 }, exceptions).map((target) => {
      const isOpen = target.ground === 'allowed' || open.includes(target.ground);
      return { ...target, gateway: isOpen ? ('open' as const) : ('refused' as const), host: 'open' as const };
    });
    return { knocked, host: { boot: 'none', namespace: 'none' } };
  }

  async listTrials(deployment: string): Promise<TrialThing[]> {
    this.#answer();
    const made = (name: string) => Number(readText(this.#at('trials', name)) ?? Date.now());
    const ours = ({ labels }: { readonly labels: Labels }) => labels['creel.fence'] === deployment;
    const containers = this.containers().filter(ours);
    const networks = this.#all('networks', networkRecord).filter(ours);
    return [
      ...containers.map(({ id, name }) => ({ kind: 'container' as const, id, name, createdAt: made(name) })),
      ...networks.map(({ id, name }) => ({ kind: 'network' as const, id, name, createdAt: made(name) })),
    ];
  }

  /** When something was made that tries the fence: now, unless it is said. */
  noteMade(name: string, at: number): void {
    replaceFile(this.#at('trials', name), String(at));
  }

  async lastLog(id: string, lines: number): Promise<string> {
    const said = readLog(this.root, this.#container(id).id).slice(-lines);
    return plainLines(said.map(({ text }) => `${text}\n`).join(''), 16_384);
  }

  async openLog(id: string, wish: LogWish, over: AbortSignal): Promise<AsyncIterable<readonly LogLine[]>> {
    const record = this.#container(id);
    return followLog(this.root, id, wish, over, () => this.#state(record).state === 'running');
  }

  async listMarked(): Promise<Marked[]> {
    return this.#listed().filter(({ labels }) => labels['creel.deployment'] !== undefined);
  }

  async listUnmarked(): Promise<Pick<Marked, 'kind' | 'name'>[]> {
    return this.#listed()
      .filter(({ name, labels }) => isNamedLikeOurs(name) && labels['creel.deployment'] === undefined)
      .map(({ kind, name }) => ({ kind, name }));
  }

  #listed(): Marked[] {
    this.#answer();
    const all = [
      ...this.#all('volumes', volumeRecord).map((each) => ({ kind: 'volume' as const, ...each })),
      ...this.#all('networks', networkRecord).map((each) => ({ kind: 'network' as const, ...each })),
      ...this.containers().map((each) => ({ kind: 'container' as const, ...each })),
    ];
    return all.map(({ kind, name, labels }) => ({ kind, name, labels }));
  }

  /** Puts an image on the engine. */
  addImage(reference: string, image: Image): void {
    replaceFile(this.#at('images', reference), JSON.stringify(image));
  }

  /** Lets a pull of this reference succeed. */
  offerImage(reference: string, image: Image): void {
    replaceFile(this.#at('registry', reference), JSON.stringify(image));
  }

  /** Creates a network whether or not the name is taken, as an older engine's race does. */
  addNetwork(network: { name: string; labels: Labels; subnet: string }): 'created' | 'subnet taken' {
    const overlaps = listNames(path.join(this.root, 'networks')).some((file) =>
      overlap(decodeURIComponent(file.slice(0, -'.json'.length)), network.subnet),
    );
    if (overlaps) return 'subnet taken';
    const record = { ...network, id: newId(network.subnet) };
    const hint = this.#hint('network-name', network.name, record.id);
    touchFile(hint);
    if (createFile(this.#at('networks', network.subnet), JSON.stringify(record))) return 'created';
    fs.rmSync(hint, { force: true });
    return 'subnet taken';
  }

  /** Every container with its state, by name. */
  containers(): (ContainerRecord & StateRecord)[] {
    return this.#all('containers', containerRecord).map((record) => ({ ...record, ...this.#state(record) }));
  }

  /** Whether a running container or something foreign listens on this port of the host. */
  isPortTaken(port: number): boolean {
    const foreign = fs.existsSync(path.join(this.root, 'taken-ports', String(port)));
    return foreign || this.#usersOf('port', String(port)).some((user) => this.#state(user).state === 'running');
  }

  /** Makes something foreign listen on a port of the host, or stop listening. */
  occupyPort(port: number, taken: boolean): void {
    const file = path.join(this.root, 'taken-ports', String(port));
    if (taken) touchFile(file);
    else fs.rmSync(file, { force: true });
  }

  /** Every volume, network and container there is, as `kind name`, sorted: what an empty engine must not have. */
  leftovers(): string[] {
    const named = [
      ...this.#all('volumes', volumeRecord).map(({ name }) => `volume ${name}`),
      ...this.#all('networks', networkRecord).map(({ name }) => `network ${name}`),
      ...this.#all('containers', containerRecord).map(({ name }) => `container ${name}`),
    ];
    return named.toSorted();
  }

  /** The container's process dies by itself. */
  crash(name: string, exitCode = 137): void {
    const record = readRecord(this.#at('containers', name), containerRecord);
    if (!record) throw new Error(`no container ${name} to crash`);
    this.#change(record, { state: 'exited', exitCode });
  }

  /** Every container ends; those that the engine is to start again run anew. */
  reboot(): void {
    const startedAt = new Date().toISOString();
    for (const record of this.#all('containers', containerRecord)) {
      const { state, restartPolicy } = this.#state(record);
      if (!['running', 'restarting', 'paused'].includes(state)) continue;
      this.#change(
        record,
        restartPolicy === 'no' ? { state: 'exited', exitCode: 137 } : { state: 'running', startedAt },
      );
    }
  }

  /** Stops the container's process where it stands: by a pause of the engine's, or by itself. */
  freeze(name: string, how: 'paused' | 'wedged'): void {
    const record = readRecord(this.#at('containers', name), containerRecord);
    if (!record) throw new Error(`no container ${name} to freeze`);
    this.#change(record, how === 'paused' ? { state: 'paused' } : { wedged: true });
  }

  /** The container's process dies by itself once more: the engine is about to start it again, or has done so already. */
  crashAgain(name: string, state: 'restarting' | 'running', exitCode: number): void {
    const record = readRecord(this.#at('containers', name), containerRecord);
    if (!record) throw new Error(`no container ${name} to crash`);
    const { restartCount } = this.#state(record);
    this.#change(record, { state, exitCode, restartCount: restartCount + 1 });
  }

  /** Somebody removes a resource behind our back. */
  forget(kind: Kind, name: string): void {
    if (kind === 'volume') removeTree(path.join(this.root, 'files', encodeURIComponent(name)));
    if (kind !== 'network') return fs.rmSync(this.#at(`${kind}s`, name), { force: true });
    for (const { subnet } of this.#networks(name)) fs.rmSync(this.#at('networks', subnet), { force: true });
  }

  /** The container's process writes lines to its log. */
  say(name: string, lines: readonly string[]): void {
    const record = readRecord(this.#at('containers', name), containerRecord);
    if (!record) throw new Error(`no container ${name} to speak`);
    writeLog(this.root, record.id, lines);
  }

  /** Nothing that needs room has any while this goes on. */
  async whileFull<T>(act: () => Promise<T>): Promise<T> {
    this.setNoRoom(true);
    try {
      return await act();
    } finally {
      this.setNoRoom(false);
    }
  }

  /** The same until it is said otherwise. */
  setNoRoom(full: boolean): void {
    const file = path.join(this.root, 'no-room');
    if (full) touchFile(file);
    else fs.rmSync(file, { force: true });
  }

  #demandRoom(what: string): void {
    if (!fs.existsSync(path.join(this.root, 'no-room'))) return;
    throw new Refused(`directory engine, ${what}: no room on its host (no space left on device). Free disk there`);
  }

  /** The disk is full for states, or has room again. */
  setFull(full: boolean): void {
    const file = path.join(this.root, 'full');
    if (full) touchFile(file);
    else fs.rmSync(file, { force: true });
  }

  /** Every state has a path from now on that is too long for any copy. */
  setTooDeep(): void {
    replaceFile(path.join(this.root, 'too-deep'), `./${'d'.repeat(100)}/${'d'.repeat(4_000)}\n`);
  }

  /** A volume takes so much of the disk from now on, whatever lies in it. */
  takes(volume: string, bytes: number): void {
    replaceFile(path.join(this.root, 'taken', volume), String(bytes));
  }

  #kilobytes(volume: string): number {
    return Math.ceil(Number(readText(path.join(this.root, 'taken', volume)) ?? 1024 ** 2) / 1024);
  }

  #tooDeep(): string {
    return readText(path.join(this.root, 'too-deep')) ?? '';
  }

  /** No copy goes on beyond this many of its pieces, whoever waits for it, until `resumeCopies`. */
  pauseCopies(after: number): void {
    this.#copies.pause(after);
  }

  resumeCopies(): void {
    this.#copies.pause(undefined);
  }

  /** The engine stops answering, or answers again. */
  setDown(down: boolean): void {
    const file = path.join(this.root, 'down');
    if (down) touchFile(file);
    else fs.rmSync(file, { force: true });
  }

  #answer(): void {
    if (fs.existsSync(path.join(this.root, 'down'))) throw new Away(`no engine answers at ${this.root}`);
    if (this.#place.engine !== undefined) demandEngine(this.#place, engineIdAt(this.root), this.root, this.#formerIds);
  }

  #at(kind: string, name: string): string {
    return path.join(this.root, kind, `${encodeURIComponent(name)}.json`);
  }

  #image(reference: string): Image | undefined {
    const tagged = readRecord(this.#at('images', reference), imageRecord);
    return tagged ?? this.#all('images', imageRecord).find((image) => image.id === reference);
  }

  #networks(name: string) {
    return listNames(path.join(this.root, 'users', 'network-name', encodeURIComponent(name)))
      .map((hint) => this.#networkIfThere(decodeURIComponent(hint)))
      .filter((network) => network !== undefined);
  }

  /** Before its first start a container knows its network by name, from then on by id. */
  #networkFor(record: ContainerRecord): string {
    if (record.network === null) return '';
    const { networkId } = this.#state(record);
    const found = this.#networks(record.network).find(({ id }) => networkId === '' || id === networkId);
    if (!found) throw new StartOver(`network ${networkId || record.network} of container ${record.name} is gone`);
    return found.id;
  }

  #networkIfThere(id: string) {
    const network = readRecord(this.#at('networks', nameIn(id)), networkRecord);
    return network?.id === id ? network : undefined;
  }

  #addContainer(asked: ContainerRecord, restartPolicy: RestartPolicy): 'created' | 'name taken' {
    if (fs.existsSync(this.#at('containers', asked.name))) return 'name taken';
    this.#assertParts(asked);
    const record = { ...asked, labels: { ...this.#image(asked.imageId)?.labels, ...asked.labels } };
    for (const hint of this.#hintsOf(record)) touchFile(hint);
    this.#change(record, { restartPolicy });
    const created = createFile(this.#at('containers', record.name), JSON.stringify(record));
    if (!created) this.#dropTraces(record);
    else this.#assertPartsStill(record);
    return created ? 'created' : 'name taken';
  }

  /** Somebody may have removed a part while the container was being created. */
  #assertPartsStill(record: ContainerRecord): void {
    try {
      this.#assertParts(record);
    } catch (error) {
      fs.rmSync(this.#at('containers', record.name), { force: true });
      this.#dropTraces(record);
      throw error;
    }
  }

  #dropTraces(record: ContainerRecord): void {
    this.#copies.forget(record.id);
    fs.rmSync(this.#at('states', record.id), { force: true });
    fs.rmSync(path.join(this.root, 'logs', encodeURIComponent(record.id)), { force: true });
    for (const hint of this.#hintsOf(record)) fs.rmSync(hint, { force: true });
  }

  #assertParts({ name, imageId, volume, beside }: ContainerRecord): void {
    if (!this.#image(imageId)) throw new StartOver(`image ${imageId} of container ${name} is gone`);
    for (const each of [volume, ...(beside === undefined ? [] : [beside])]) {
      if (!fs.existsSync(this.#at('volumes', each))) throw new StartOver(`volume ${each} of container ${name} is gone`);
    }
  }

  #containerIfThere(id: string): ContainerRecord | undefined {
    const record = readRecord(this.#at('containers', containerNameOf(this.root, id)), containerRecord);
    return record?.id === id ? record : undefined;
  }

  /** As the real adapter: what is known to be another copy's is never joined, and what was made is looked at before it is started. */
  async #copy(way: Way, copy: VolumeCopy): Promise<number> {
    this.#answer();
    const labels = copierLabels(way, copy.labels, way === 'save' ? copy.state : copy.saved);
    const known = readRecord(this.#at('containers', copy.copier), containerRecord);
    if (known) this.#letCopierGoOn(known);
    const command = this.#copyCommand(way, copy);
    const sameCommand = JSON.stringify(known?.command) === JSON.stringify(command);
    const found = known && { ...this.#state(known), labels: known.labels, sameCommand };
    const next = meetCopier(found, way, labels);
    if (next === 'wait') throw new NotYet(`${copy.copier} is at another copy of volume ${copy.state}`);
    if (known && next === 'end') await this.removeContainer(known.id);
    const id = known && next === 'join' ? known.id : await this.#startCopier(way, copy, labels, command);
    return this.#takeEnd(id, copy);
  }

  /** What a copy into this volume would be started with. */
  #copyCommand(way: Way, { whole }: VolumeCopy): string[] {
    return [way, writeStateMark(whole)];
  }

  async #startCopier(way: Way, copy: VolumeCopy, labels: Labels, command: string[]): Promise<string> {
    const { copier: name, imageId, state, saved } = copy;
    const id = newId(name);
    const parts = { volume: state, target: '/state', beside: saved, network: null, hostPort: null };
    const created = this.#addContainer({ id, name, labels, imageId, command, ...parts }, 'no');
    if (created === 'name taken') throw new NotYet(`container ${name} is being made by another attempt`);
    try {
      this.#demandAlone(copy);
      if (way === 'save' && fs.existsSync(path.join(this.root, 'full')))
        throw new Refused(`no room on the engine's host to save volume ${state}. Free some`);
    } catch (error) {
      await this.removeContainer(id);
      throw error;
    }
    await this.beforeCopy?.(name);
    this.#copies.begin(id, way, copy);
    await this.startContainer(id);
    return id;
  }

  #demandAlone({ state, copier, gateway }: VolumeCopy): void {
    if (fs.existsSync(this.#at('containers', gateway)))
      throw new NotYet(`volume ${state} belongs to container ${gateway} again`);
    const users = this.#usersOf('volume', state).filter(({ name }) => name !== copier);
    const user = users.find((record) => this.#state(record).state === 'running');
    if (user) throw new NotYet(`volume ${state} is in use by container ${user.name}`);
  }

  async #takeEnd(id: string, copy: VolumeCopy): Promise<number> {
    const look = (): Seen => {
      const record = this.#containerIfThere(id);
      if (!record) return 'gone';
      return this.#state(record).state === 'running' ? 'goes on' : 'exited';
    };
    const between = this.betweenPieces;
    const hook = between && ((piece: number) => between(copy, piece));
    const ended = await this.#copies.drive(id, look, hook, this.#signal());
    const record = this.#containerIfThere(id);
    if (!record) throw new NotYet(`container ${copy.copier} is gone before its end was read`);
    if (typeof ended === 'number') this.#change(record, { state: 'exited', exitCode: ended });
    const { exitCode } = this.#state(record);
    await this.removeContainer(id);
    if (![0, nothingSaved, tornState].includes(exitCode))
      throw new Error(`could not copy volume ${copy.state}: exit ${exitCode}`);
    return exitCode;
  }

  /** A copier that nobody waits for does not stand still: it goes on a little whenever somebody looks. */
  #letCopierGoOn(record: ContainerRecord): void {
    if (!this.#copies.knows(record.id) || this.#state(record).state !== 'running') return;
    const ended = this.#copies.goOn(record.id);
    if (ended !== undefined) this.#change(record, { state: 'exited', exitCode: ended });
  }

  #container(id: string): ContainerRecord {
    this.#answer();
    const record = this.#containerIfThere(id);
    if (!record) throw new NotYet(`container ${nameIn(id)} is gone`);
    return record;
  }

  #state(record: ContainerRecord): StateRecord {
    return readRecord(this.#at('states', record.id), stateRecord) ?? fresh;
  }

  #change(record: ContainerRecord, change: Partial<StateRecord>): void {
    replaceFile(this.#at('states', record.id), JSON.stringify({ ...this.#state(record), ...change }));
  }

  #placeOf(record: ContainerRecord, file: string): string | undefined {
    const inside = path.posix.relative(record.target, file);
    if (inside === '' || inside.startsWith('..')) return undefined;
    return path.join(this.root, 'files', encodeURIComponent(record.volume), inside);
  }

  #hint(kind: string, key: string, user: string): string {
    return path.join(this.root, 'users', kind, encodeURIComponent(key), encodeURIComponent(user));
  }

  #hintsOf({ id, volume, beside, network, hostPort }: ContainerRecord): string[] {
    return [
      this.#hint('volume', volume, id),
      ...(beside === undefined ? [] : [this.#hint('volume', beside, id)]),
      ...(network === null ? [] : [this.#hint('network', network, id)]),
      ...(hostPort === null ? [] : [this.#hint('port', String(hostPort), id)]),
    ];
  }

  #usersOf(kind: 'volume' | 'network' | 'port', key: string): ContainerRecord[] {
    const holds = (record: ContainerRecord) =>
      kind === 'volume'
        ? [record.volume, record.beside].includes(key)
        : String(kind === 'port' ? record.hostPort : record.network) === key;
    return listNames(path.join(this.root, 'users', kind, encodeURIComponent(key)))
      .map((id) => this.#containerIfThere(decodeURIComponent(id)))
      .filter((record) => record !== undefined)
      .filter(holds);
  }

  #all<T>(kind: string, shape: Parameters<typeof readRecord<T>>[1]): T[] {
    return listNames(path.join(this.root, kind))
      .map((file) => readRecord(path.join(this.root, kind, file), shape))
      .filter((record) => record !== undefined);
  }
}

/** What a process of a test holds unless it is told otherwise. */
const restMb = 1;

/** The id of the engine that a directory is, as `host.json` has it. */
export function engineIdAt(root: string): string {
  return readRecord(path.join(root, 'host.json'), z.object({ engineId: z.string() }))?.engineId ?? '';
}

const fresh: StateRecord = {
  state: 'created',
  exitCode: 0,
  outOfMemory: false,
  restartPolicy: 'no',
  restartCount: 0,
  startedAt: '',
  networkId: '',
};

/** Never the same twice, and it leads back to the file. */
function newId(name: string): string {
  return `${randomBytes(8).toString('hex')}-${name}`;
}

function nameIn(id: string): string {
  return id.slice(id.indexOf('-') + 1);
}

function overlap(one: string, other: string): boolean {
  const a = range(one);
  const b = range(other);
  return a.first <= b.last && b.first <= a.last;
}

function range(subnet: string): { first: number; last: number } {
  const [address = '', length = '32'] = subnet.split('/');
  const base = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  return { first: base, last: base + 2 ** (32 - Number(length)) - 1 };
}

function copyTree(from: string, to: string): void {
  fs.mkdirSync(to, { recursive: true });
  if (fs.existsSync(from)) fs.cpSync(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
}
