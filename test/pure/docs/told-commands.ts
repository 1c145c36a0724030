/** The test in which a command is really given in the situation in which it is told: its file, a part of its title, and what it calls. */
export type Tried = readonly [file: string, title: string, call: string];

/** Why no test of ours gives it. */
export type NotTried = { readonly why: string };

const cli = 'test/temporal/cli.test.ts';
const applied = 'test/temporal/apply.test.ts';
const parked = 'test/temporal/parked.test.ts';
const killed = 'test/temporal/killed-worker.test.ts';
const requests = 'test/temporal/requests.test.ts';
const rotation = 'test/temporal/rotate.test.ts';
const keys = 'test/temporal/secrets/key-rotation.test.ts';
const engines = 'test/temporal/hosts/two-engines.test.ts';
const renamed = 'test/temporal/hosts/renamed-engine.test.ts';
const fleet = 'test/temporal/fleet.test.ts';
const upgrade = 'test/temporal/upgrade.test.ts';
const lived = 'test/pure/gateway/lived-in.test.ts';
const realLived = 'test/e2e/lived-in.test.ts';
const realUpgrade = 'test/e2e/upgrade.test.ts';
const keptState = 'test/sagas/state/kept-state.test.ts';
const ownState = 'test/sagas/state/own-state.test.ts';
const pairing = 'test/sagas/pair.test.ts';
const turn = 'test/sagas/turn.test.ts';
const byHand = 'test/contracts/by-hand.test.ts';

const host: NotTried = { why: 'it changes the whole machine, which is not ours' };
const looks: NotTried = { why: 'it only shows, in words of its own program' };
const rehearsed: NotTried = {
  why: 'an engine of its own is restarted by `npm run rehearse` (bad-day.test.ts), never the one that is here',
};

const described: Tried = [cli, 'a recorded ready that is not usable is no ready', "'describe'"];
const hostsOverSsh = 'test/temporal/hosts/hosts-command.test.ts';
const overSsh: Tried = [
  'test/temporal/hosts/hosts-over-ssh.test.ts',
  'one worker serves the engines of all its hosts',
  "'engine', 'list'",
];
const ledger = 'test/temporal/hosts/ledger.test.ts';
const fences = 'test/temporal/hosts/fence.test.ts';
const fenceShown: Tried = [fences, 'a second host that is fenced gets what has to be', "'hosts', 'describe'"];
const fenceOff: Tried = [fences, 'the only host, open', "'--fence', 'off'"];
const hostsShown: Tried = [hostsOverSsh, 'hosts are listed, described and cordoned', "'hosts', "];
const parkShown: Tried = [parked, 'says where, why and which command answers it', 'park'];
const repaired: Tried = [cli, 'a recorded ready that is not usable is no ready', "'provision'"];
const removed: Tried = [cli, 'a gateway is provisioned, listed, proved', "'remove'"];
const retried: Tried = [parked, 'goes on with retry', "'retry'"];
const skipped: Tried = [cli, 'a parked operation ends the following with 5', "'skip'"];
const token: Tried = [cli, 'the token is shown to whoever asks for it', "'token', 'show'"];
const evicted: Tried = [rotation, 'that evicts leaves nobody in', 'evict: true'];
const reclaimed: Tried = [rotation, 'finds a second source of truth', 'reclaim: true'];
const wayBackEnds: Tried = [rotation, 'its way back that is refused is named', 'reclaim: true'];
const devices: Tried = [cli, 'a device is listed, paired', "'devices'"];
const unpaired: Tried = [cli, 'a device is listed, paired', "'unpair'"];
const senders = 'test/temporal/devices/senders.test.ts';
const senderListed: Tried = [senders, 'a chat sender is listed, let in by the code', "'devices'"];
const senderOut: Tried = [senders, 'a chat sender is listed, let in by the code', "'unpair'"];
const fleetShown: Tried = [cli, 'the fleet is listed, rotated', "'fleet', 'status'"];
const fleetAborted: Tried = [fleet, 'that looks is aborted at once', 'abort'];
const fleetForced: Tried = [fleet, 'beside one that answers nobody', 'endFleet'];
const fleetRotated: Tried = [cli, 'the fleet is listed, rotated', "'rotate', '--all'"];
const keyRotated: Tried = [keys, 'takes every gateway over', 'deployment.rotate()'];
const wayBack: Tried = ['test/pure/record/replacement-state.test.ts', 'comes before the next repair', 'way-back'];
const dropped: Tried = ['test/sagas/proofs/outside-proofs.ts', 'drop snapshot', "'drop snapshot'"];
const bootstrapped: Tried = ['test/scripts/bootstrap.test.ts', '--release', '--release'];
const changed: Tried = [cli, 'a gateway is upgraded, rolled back and changed', "'change', 'moving', '--memory'"];
const upgraded: Tried = [cli, 'a gateway is upgraded, rolled back and changed', "'upgrade'"];
const suspension = 'a suspended gateway is listed, skipped';
const suspended: Tried = ['test/temporal/suspend.test.ts', suspension, "'suspend', 'late'"];
const resumed: Tried = ['test/temporal/suspend.test.ts', suspension, "'resume', 'late'"];
const frontDoor = 'test/temporal/front-door.test.ts';
const served: Tried = [frontDoor, 'does not acknowledge what no plan names', 'front.begin()'];
const soldByHand: Tried = [frontDoor, 'begins nothing by a payment of long ago', "'provision', id, '-f', small"];
const attentionListed: Tried = [
  'test/temporal/net/reconcile.test.ts',
  'names what is not as recorded',
  "'list', '--attention'",
];
const rolledBack: Tried = [cli, 'a gateway is upgraded, rolled back and changed', "'rollback'"];
const secretStored: Tried = ['test/pure/gateway/first-step.test.ts', 'a secret that is missing', 'secrets.write'];
const foreignGone: Tried = ['test/pure/gateway/first-step.test.ts', 'a name that somebody else took', 'removeVolume'];
const enginesListed: Tried = [renamed, 'an engine that has another id', "'engine', 'list'"];
const due: Tried = [cli, 'the fleet is listed, rotated', "'list', '--hand-over'"];
const doctor = 'test/temporal/doctor.test.ts';
const backups = 'test/pure/keys/key-backup.test.ts';
const releases = 'test/temporal/releases.test.ts';
const working: Tried = ['test/temporal/installed.test.ts', 'is a worker that meets a server', 'startWorker'];
const addedRelease = 'test/e2e/release.test.ts';
const rotated = 'test/temporal/secrets/secret-rotate.test.ts';
const storedSecrets = 'test/temporal/secrets/secrets.test.ts';
const otherwiseAnswered: Tried = [turn, 'and ready once a change of its models was answered', 'models }'];
const answeredAgain: Tried = [turn, 'and ready once a repair was answered', 'repair('];
const models = 'test/sagas/config/models.test.ts';
const otherModels: Tried = [models, 'that nobody is answered by go back', "store(stage, 'first'"];
const otherConfig: Tried = [applied, 'is given another, and is shown as it is rendered', "'--config'"];
const otherZone: Tried = [applied, 'is given another, and is shown as it is rendered', "'--timezone', 'UTC'"];
const renewed: Tried = [applied, 'is given another, and is shown as it is rendered', "'--renew'"];
const unknownConfig: Tried = [
  'test/sagas/config/extras.test.ts',
  'that a newer release does not know',
  'run(stage, to(next',
];
const takenBack: Tried = [models, 'is taken back by a change', 'run(stage, to(models, 9))'];
const stored: Tried = [keys, 'takes every gateway over', "'secret', 'set'"];

const scheduled = 'test/temporal/net/schedules.test.ts';
const recovered = 'test/temporal/net/recover.test.ts';
const schedulesApplied: Tried = [scheduled, 'a list that is applied twice is once', 'apply()'];

const sweep = 'test/temporal/net/sweep.test.ts';
const reconciled = 'test/temporal/net/reconcile.test.ts';
const condemnedListed: Tried = [sweep, 'what is condemned is listed', "'list', '--condemned'"];
const logs = 'test/temporal/logs.test.ts';
const logShown: Tried = [logs, 'is shown from its tail on', "'logs', 'told'"];

/** Every command of the runbook, by heading, as it is told there. */
export const told: Readonly<Record<string, Readonly<Record<string, Tried | NotTried>>>> = {
  'Parked operation': {
    'creel describe g42': parkShown,
    'creel retry g42 --park 12.1': retried,
    'creel skip': skipped,
    'creel abort': [parked, 'leaves nothing with abort', "'abort'"],
    'creel remove g42': [upgrade, 'a removal leaves nothing', 'remove'],
  },
  'No worker': {
    'creel list': [cli, 'an address that is silent is named', "'list'"],
    'creel describe': [cli, 'says so, keeps the request', "'describe'"],
    'creel worker': working,
  },
  'Engine down': {
    'creel describe': described,
    'systemctl start docker': host,
    'creel retry': retried,
    'creel provision <id>': ['test/sagas/rotate.test.ts', 'an older creel keeps running only unless', 'always'],
    'docker update --restart no <container>': [byHand, 'a container that was stopped by hand', 'docker update'],
    'creel describe <id>': described,
    'systemctl reload docker': host,
  },
  'Another engine on a host': { 'creel engine list': overSsh },
  'Host not on record': { 'creel engine list': overSsh },
  'No host has room': {
    'creel hosts list': hostsShown,
    'creel hosts uncordon b1': hostsShown,
    'creel retry g42': [ledger, 'forty at once', "'retry'"],
  },
  'Host not fenced': {
    'creel hosts describe b1': fenceShown,
    'creel hosts rules | sudo sh': host,
    'creel provision g42 --fence off': fenceOff,
    'creel retry g42': retried,
  },
  'Ceiling reached': {
    'creel retry g42': ['test/temporal/hosts/ceiling.test.ts', 'of four at once two are parked', "'retry'"],
  },
  'Spending ceiling reached': {
    'creel hosts list': ['test/temporal/hosts/bought.test.ts', 'sees machines with region', "'hosts', 'list'"],
    'creel retry g42': ['test/temporal/hosts/own-machine.test.ts', 'ten become ready, ten park', 'retry(stage)'],
    'creel sweep --dry-run': [sweep, 'shows its plan, halts at too much', "'sweep', '--dry-run'"],
  },
  'No engine on the host': { 'systemctl start docker': host },
  'Firewall flushed': {
    'iptables -F': rehearsed,
    'systemctl restart docker': rehearsed,
  },
  'Engine unfit': {
    'creel describe': described,
    'systemctl edit user@.service': host,
  },
  'Engine not understood': {
    'docker image rm <reference>': host,
    'scripts/bootstrap --release <version>': bootstrapped,
  },
  'Another engine': {
    "docker info --format '{{.ID}}'": looks,
    'creel retry': [engines, 'an engine that was swapped', 'remove'],
    'creel engine list': enginesListed,
  },
  'Engine with another id': {
    'creel engine renamed OLD NEW': [renamed, 'an engine that has another id', "'engine', 'renamed', former, now"],
    'creel engine list': enginesListed,
    'creel remove g42 --gone OLD': [renamed, 'an engine that has another id', "'--gone', former"],
  },
  'Engine gone for good': {
    'creel remove g42 --gone ENGINE': [engines, 'whose engine is gone for good', 'stage.remove({ gone'],
    'creel describe g42': described,
    'creel provision g42 -f gateway.toml': [engines, 'whose engine is gone for good', 'placeOn(engines[0])'],
    'docker ps -a --filter label=creel.gateway=g42': [byHand, 'a container that was stopped by hand', 'docker ps -a'],
  },
  'Engine not on record': {
    'docker ps -a --filter label=creel.gateway=g42': [byHand, 'a container that was stopped by hand', 'docker ps -a'],
    "docker info --format '{{.ID}}'": looks,
    'creel remove g42 --engine ID': [engines, 'one whose mark no engine carries', 'stage.remove({ place'],
  },
  'Image missing': {
    'creel release list': [releases, 'of the workers’ own files is listed', "'release', 'list'"],
    'creel release add <version> --image <reference>': [releases, 'is taken by every worker that runs', 'add(fresh)'],
    'creel release add <version>': [addedRelease, 'is tried by an upgrade on a state', "'add', newer"],
    'scripts/bootstrap --release <version>': bootstrapped,
    'docker login': {
      why: 'a registry with a login is none of this machine’s; what it writes is read by test/pure/releases/ecr.test.ts, and pulled with by test/e2e/push.test.ts',
    },
    'docker pull <reference>': ['test/rehearsal/registry.test.ts', 'an image by the digest', 'isPulled'],
    'creel remove g42': [keptState, 'says which image to fetch', 'isRemoved(entity)'],
  },
  'A new OpenClaw release': {
    'creel release check': [releases, 'that is newer upstream is told', "check('--json')"],
    'creel release add VERSION': [addedRelease, 'is tried by an upgrade on a state', "'add', newer"],
    'creel upgrade <id> --release VERSION': upgraded,
    'creel release add VERSION --no-upgrade': [
      addedRelease,
      'is tried though it is on record untried',
      "'--no-upgrade'",
    ],
    'docker image rm creel/openclaw:VERSION': host,
  },
  'Rehearsal refused': {
    'docker exec <container> node -e …': [realUpgrade, 'the command in the message takes it out', "'-c', command"],
    'docker run --rm … node -e …': ['test/pure/gateway/rehearsal.test.ts', 'are taken out by a command', 'takingOut'],
    'creel change <id> --memory': changed,
    'creel change <id> --config gateway.toml': unknownConfig,
  },
  'Config refused on the way back': {
    'docker exec -w /home/node/.openclaw <container> diff openclaw.json.refused-… openclaw.json': looks,
    'openclaw config set': { why: 'OpenClaw’s own command: which keys a customer wants again is his to say' },
    'creel provision <id>': [lived, 'is put right by a repair', 'repair()'],
  },
  'Host full': {
    'docker image prune': host,
    'ip route': looks,
    'sysctl -w fs.inotify.max_user_instances=1024': host,
  },
  'State over its disk': {
    'creel describe': [doctor, 'names a state that takes more than its disk', "'describe', 'full'"],
    'creel doctor': [doctor, 'names a state that takes more than its disk', 'doctor()'],
    'creel change <id> --disk "20 GB"': [doctor, 'names a state that takes more than its disk', "'--disk', '20 GB'"],
    'creel apply': [applied, 'of files that were edited in six ways', 'await apply()'],
  },
  'Port taken': {
    "ss -ltnp 'sport = :19123'": looks,
    'creel provision <id>': [
      'test/contracts/engine/engine-contract.ts',
      'a port on which something foreign listens',
      'occupyPort',
    ],
  },
  'Foreign resource': {
    "docker inspect --format '{{json .Config.Labels}}' NAME": [
      byHand,
      'a container that was stopped by hand',
      'docker inspect',
    ],
    'creel retry': foreignGone,
    'creel provision <id>': ['test/pure/gateway/first-step.test.ts', 'a name that somebody else took', 'removeVolume'],
  },
  'State torn': {
    'creel provision <id>': [ownState, 'is put back by a repair while it is known', 'repair(stage)'],
    "docker run --rm -u 0 -v oc-<id>-<birth>-snap-a:/from:ro -v oc-<id>-<birth>-state:/to --entrypoint sh <image> -c 'find /to -mindepth 1 -delete && cp -a /from/state/. /to/'":
      [byHand, 'a torn state is whole again', 'docker run --rm -u 0'],
    'creel remove <id> --purge': [ownState, 'lets nothing go while the state is torn', 'purge'],
    'creel provision <id> -f gateway.toml --birth … --release …': [
      'test/sagas/take-up.test.ts',
      'and while it is down, where its state names',
      'takeUp(entity, newer)',
    ],
  },
  'Copy refused': {
    'lsattr -R': looks,
    'chattr -i': host,
    'creel retry': retried,
  },
  'State gone': {
    'docker volume create --label creel.deployment=… --label creel.gateway=g42 --label creel.birth=7k3fq2 --label creel.layout=1 oc-g42-7k3fq2-state':
      [byHand, 'a volume that was lost is made again', 'docker volume create'],
    'creel remove g42': ['test/sagas/state/own-state.test.ts', 'keeps the newest saved state where', 'entity.remove()'],
    'creel provision g42 --restore --release …': [
      'test/sagas/state/own-state.test.ts',
      'keeps the newest saved state where',
      "how: 'restore', spec: keeping",
    ],
    'creel remove g42 --purge': [requests, 'for a gateway whose state is gone is refused', 'purge: true'],
    'creel provision g42': [requests, 'for a gateway whose state is gone is refused', 'stage.provision()'],
  },
  'Earlier life': {
    'creel provision g42 -f gateway.toml --birth 7k3fq2': [requests, 'is named by the next provision', "'take up'"],
    'creel remove g42 --birth 7k3fq2 --purge': [requests, 'is named by the next removal', 'purge: true'],
    'creel provision g42 --restore --release …': [
      keptState,
      'whose previous release is kept, and',
      'comesBack(next, newer',
    ],
  },
  'Lost record': {
    'creel rotate <id> --evict': [requests, 'that was upgraded lets go of what was saved', 'evict: true'],
    'creel rollback': ['test/sagas/take-up.test.ts', 'is let go when keep_former is over', "'rollback'"],
    'creel list': [cli, 'a record that somebody terminated is shown', "'list'"],
    'creel describe': [cli, 'a record that somebody terminated is shown', "'describe'"],
    'docker ps -a --filter label=creel.gateway=g42 --format \'{{.Label "creel.birth"}}\'': [
      byHand,
      'a container that was stopped by hand',
      'docker ps -a',
    ],
  },
  'All records lost': {
    'creel list': [recovered, 'are taken up from an export', "'list', '--json'"],
    'creel init --from creel.jsonl': [recovered, 'are taken up from an export', "'init', '--from'"],
    'creel recover --from creel.jsonl --dry-run': [recovered, 'are taken up from an export', "'--dry-run'"],
    'creel describe <id>': described,
    'creel schedules apply': schedulesApplied,
  },
  'Restored to an earlier hour': {
    'creel export --out creel.jsonl': [recovered, 'what was rotated, upgraded and removed since', "'export', '--out'"],
    'creel init --from creel.jsonl': [recovered, 'what was rotated, upgraded and removed since', "'init', '--from'"],
    'creel recover --from creel.jsonl --anew': [recovered, 'what was rotated, upgraded and removed since', "'--anew'"],
    'creel sweep --dry-run': [sweep, 'shows its plan, halts at too much', "'sweep', '--dry-run'"],
  },
  'Taken over': {
    'creel init --from': [recovered, 'the old master is refused', "'init', '--from'"],
    'creel init --from creel.jsonl': [recovered, 'the old master is refused', "'init', '--from'"],
  },
  'Missing deployment': {
    'creel init': [
      'test/temporal/worker-start.test.ts',
      'a deployment that somebody ended is refused',
      'startDeployment',
    ],
  },
  'Other key': {
    'creel key backup': [backups, 'copies every key', "'backup', into"],
    'install -m 0600 -Dt ~/.local/share/creel BACKUP/*': [backups, 'is restored on another machine', 'BACKUP'],
  },
  'Key rotation': {
    'creel key rotate': keyRotated,
    'creel key list': [keys, 'takes every gateway over', 'deployment.keys()'],
    'creel rotate --all': fleetRotated,
    'creel fleet status|pause|abort key-<id>-<n>': fleetShown,
    'creel rollback': rolledBack,
    'creel rotate <id> --evict': evicted,
  },
  'Retired key': {
    'mv master.key.retired-<id> master.key.back': [keys, 'is refused with the retired key named', '.back`'],
    'creel rotate <id>': [keys, 'is refused with the retired key named', "'rotate', lost.id"],
    'creel remove <id> --birth … --purge': [requests, 'is named by the next removal', 'purge: true'],
  },
  'Secret missing': {
    'creel secret set NAME': stored,
    'creel secret list': [keys, 'takes every gateway over', "'secret', 'list'"],
    'creel retry': secretStored,
    'creel provision <id>': secretStored,
  },
  'Leaked secret': {
    'creel secret rotate NAME --dry-run': [rotated, 'with who takes it up, how', "'--dry-run'"],
    'creel secret rotate NAME': [rotated, 'each proved, and once', "rotate('sk-two'"],
    'creel secret rotate NAME --without g7,g9': [rotated, 'unless that one is left out', "'--without', 'parks'"],
    'creel secret rotate NAME --stored': [rotated, 'each proved, and once', "'--stored'"],
    'creel provision <id> --restore': [storedSecrets, 'is removed when no gateway names it', "'--restore'"],
    'creel rollback': rolledBack,
  },
  'Secret in use': {
    'creel secret rm NAME': [storedSecrets, 'is removed when no gateway names it', "'secret', 'rm'"],
    'creel secret list --users': [storedSecrets, 'is removed when no gateway names it', "'--users'"],
    'creel change <id> --channels': [storedSecrets, 'is removed when no gateway names it', "'--channels'"],
    'creel change <id> --models': [storedSecrets, 'is taken out of the models', "'--models'"],
    'creel remove <id> --purge': [storedSecrets, 'is removed when no gateway names it', "'--purge'"],
  },
  'Release in use': {
    'creel release remove VERSION': [releases, 'is not taken out while it is the last one', 'remove(fresh)'],
    'creel upgrade <id> --release …': [releases, 'is not taken out while it is the last one', "'upgrade'"],
    'creel remove <id> --purge': [releases, 'is not taken out while it is the last one', "'--purge'"],
    'creel release add': [releases, 'is not taken out while it is the last one', 'add(newer)'],
  },
  'Token mismatch': {
    'creel rotate <id> --reclaim': reclaimed,
    'creel provision <id>': repaired,
    'creel token show <id>': token,
  },
  'Config unreadable': {
    'docker cp oc-…:/home/node/.openclaw/openclaw.json .': [byHand, 'a config that is copied out', 'docker cp '],
    "docker exec -i oc-… sh -c 'cat > /home/node/.openclaw/openclaw.json' < openclaw.json": [
      byHand,
      'a config that is copied out',
      'docker exec -i ',
    ],
    'docker cp': [realLived, 'starts again after its config was copied out', 'copyConfigOutAndBack'],
    'creel provision <id>': [
      'test/pure/gateway/broken-config.test.ts',
      'of a gateway that does not run is kept beside',
      'ensureConfig',
    ],
  },
  'Config taken over': {
    'creel upgrade': upgraded,
    'creel describe': [lived, 'says the key at once', 'findGateway'],
    'creel provision <id>': [lived, 'is put right by a repair', 'repair()'],
    'creel open': [lived, 'no link is made to a gateway', 'Link'],
    'creel change g42 --models gateway.toml': takenBack,
    'creel change g42 --config gateway.toml': otherConfig,
  },
  'Handed to root': {
    'docker cp': [realLived, 'starts again after its config was copied out', 'copyConfigOutAndBack'],
    'creel provision <id>': [realLived, 'starts again after its config was copied out', 'repaired()'],
    'docker run --rm --user 0 -v oc-…-state:/s IMAGE chown -R 1000:1000 /s': [
      byHand,
      'a state whose files went to root',
      'docker run --rm --user 0',
    ],
    "docker inspect -f '{{.Image}}' oc-…": [byHand, 'a state whose files went to root', 'docker inspect -f'],
  },
  'More than one source': {
    'creel rotate <id> --reclaim': reclaimed,
    'creel provision <id>': repaired,
  },
  'Rotation went back': {
    'creel rotate <id>': [rotation, 'goes back to the old token, proved', 'stage.rotate()'],
    'creel rotate <id> --reclaim': wayBackEnds,
  },
  'Compromised token': {
    'creel rotate <id> --evict': evicted,
    'creel token show <id>': token,
  },
  'Lock-out': {
    'creel logs <id>': logShown,
  },
  'No scopes': {
    'creel provision <id>': {
      why: 'nobody can take a device’s scopes away here: the Control UI has no such button for creel’s own; the repair that pairs it anew is in test/sagas/provision.test.ts',
    },
  },
  'Device not paired': {
    'creel devices <id>': devices,
    'creel pair … --wait 30m': [cli, 'a device is listed, paired', "'pair'"],
    'creel devices': devices,
    'creel pair <id> --device … --role operator,node': [pairing, 'allows what it was told to, and a role', 'role'],
  },
  'Sender not let in': {
    'creel devices <id>': senderListed,
    'creel change <id> --channels gateway.toml': [upgrade, 'to other channels of a release', 'channels'],
    'creel unpair <id> --sender …': senderOut,
  },
  'More than allowed': {
    'creel allow <id> --park …': [
      'test/temporal/devices/pair.test.ts',
      'of a device that asks for more parks',
      'allow',
    ],
    'creel retry': retried,
    'creel abort': ['test/temporal/devices/pair.test.ts', 'of a device that asks for more comes to nothing', 'abort'],
    'creel deny': [cli, 'a device is listed, paired', "'deny'"],
  },
  'Scopes that stay': {
    'creel unpair <id> --device …': unpaired,
  },
  'Lines left out': {
    'creel logs -f': [logs, 'goes on with what comes', 'new Follower('],
    'creel logs <id> --channel telegram -f': [logs, 'is shown from its tail on', "'--channel', 'telegram'"],
    'creel logs <id> --since 2h': [logs, 'is shown from its tail on', "'--since', '1h'"],
  },
  'Too much': {
    'creel logs <id>': logShown,
    'creel remove <id>': removed,
  },
  'Told too much': {
    'creel describe <id>': parkShown,
    'creel remove <id>': [parked, 'leaves room for a removal', 'stage.remove()'],
  },
  'Gateway does not start': {
    'creel provision <id>': [cli, 'a recorded ready that is not usable is no ready', "'provision'"],
    'creel change <id> --memory …': changed,
  },
  'Gateway hangs': {
    'creel describe': described,
    'docker ps': looks,
    'creel provision <id>': [lived, 'is started again by a repair, once', 'repair()'],
  },
  'Channel not connected': {
    'creel open <id>': [lived, 'no link is made to a gateway', 'Link'],
    'docker exec -it <container> openclaw channels login --channel whatsapp': [
      'test/contracts/chat-channels.test.ts',
      'a phone is linked later',
      "'channels', 'login'",
    ],
    'creel release list': [releases, 'of the workers’ own files is listed', "'release', 'list'"],
    'scripts/bootstrap --release VERSION': bootstrapped,
    'creel release add VERSION': [addedRelease, 'is tried by an upgrade on a state', "'add', newer"],
    'creel secret set': stored,
    'creel retry': retried,
    'creel provision <id>': repaired,
    'creel skip': skipped,
    'creel change <id> --channels gateway.toml': [upgrade, 'to other channels of a release', 'channels'],
  },
  'No answer': {
    'creel secret set NAME': stored,
    'creel provision <id>': answeredAgain,
    'creel change <id> --models gateway.toml': otherwiseAnswered,
    'creel retry': retried,
    'creel skip': skipped,
  },
  'Nobody is heard': {
    'creel describe': ['test/pure/gateway/channels.test.ts', 'of an older record stay as they are', 'channelFaults'],
    'creel change <id> --channels gateway.toml': [upgrade, 'to other channels of a release', 'channels'],
  },
  'Degraded gateway': {
    'creel describe': described,
    'creel provision <id>': [cli, 'a parked operation ends the following with 5', "'provision', 'parked'"],
    'creel change <id> --channels gateway.toml': [
      'test/sagas/ready.test.ts',
      'is ready when a change of its channels has proved them',
      "kind: 'change'",
    ],
  },
  'Suspended gateway': {
    'creel suspend g42 --reason …': suspended,
    'creel resume g42': resumed,
    'creel provision g42': ['test/sagas/suspend.test.ts', 'a repair has it serve', 'goesOn'],
    'creel remove g42': ['test/sagas/suspend.test.ts', 'takes nothing else meanwhile', 'entity.remove()'],
  },
  'Paid and not sold': {
    'creel serve': served,
    'creel list': [frontDoor, 'does not acknowledge what no plan names', "'list'"],
  },
  'Paid and refused': {
    'creel describe g42': described,
    'creel list --attention': attentionListed,
    'creel provision s-… -f small.toml': soldByHand,
  },
  'Paid long ago': { 'creel provision s-… -f small.toml': soldByHand },
  'Money went back': { 'creel suspend s-… --reason refunded': suspended, 'creel remove s-…': removed },
  'Front door not ready': { 'creel serve': served },
  'Upgrade a gateway': {
    'creel upgrade g42 --release R': upgraded,
    'creel rollback g42': rolledBack,
    'creel devices g42': devices,
    'creel rollback': rolledBack,
    'creel provision': repaired,
    'creel describe': [cli, 'a gateway is upgraded, rolled back and changed', "'describe'"],
    'creel rotate --evict': [upgrade, 'by an eviction lets go of the previous state', 'evict'],
  },
  'Change a gateway': {
    'creel change g42 --memory "4 GB"': changed,
    'creel change g42 --models gateway.toml': otherModels,
    'creel change g42 --config gateway.toml': otherConfig,
    'creel change g42 --timezone Europe/Berlin': otherZone,
    'creel change g42 --renew': renewed,
    'creel secret set NAME': otherModels,
  },
  'Config not accepted': {
    'creel provision <id> -f gateway.toml': [applied, 'its release does not accept', "'provision'"],
  },
  'Apply refused': {
    'creel rollback g42': [applied, 'names what failed, does the rest', "'rollback', 'c04'"],
    'creel provision g42 --restore': [applied, 'whose state is kept is refused', "'--restore'"],
    'creel remove g42 --purge': [applied, 'whose state is kept is refused', "'--purge'"],
    'creel describe g42': described,
    'creel apply -f FILE --dry-run': [applied, 'of files that were edited in six ways', "apply('--dry-run')"],
  },
  'Upgrade failed': {
    'creel describe g42': [cli, 'a gateway is upgraded, rolled back and changed', "'describe'"],
    'creel provision <id>': wayBack,
    'creel remove <id>': [ownState, 'puts back what a way back was cut short in', 'removeRoom'],
  },
  'Machine gone': {
    'creel describe': described,
    'creel provision <id>': ['test/sagas/machine-faults.test.ts', 'a repair starts it and proves', 'life.repair()'],
  },
  'Machine not ready': { 'creel retry <id>': retried },
  'Something left': {
    'creel describe': parkShown,
    'creel remove <id>': [parked, 'of an undo that is left is named', 'stage.remove()'],
    'creel provision <id>': wayBack,
    'creel rotate <id> --reclaim': wayBackEnds,
    'creel devices <id>': devices,
    'creel unpair': unpaired,
  },
  Condemned: {
    'creel sweep': [sweep, 'shows its plan, halts at too much', "creel(['sweep'])"],
    'creel list --condemned': condemnedListed,
    'creel recover <id> -f gateway.toml': [sweep, 'what is condemned is given back', "'recover', 'found'"],
    'creel purge <id>': [sweep, 'what is condemned is listed', "'purge', 'lost', '--yes=lost'"],
  },
  'Not as recorded': {
    'creel list --attention': [reconciled, 'names what is not as recorded', "'list', '--attention'"],
    'creel reconcile': [reconciled, 'names what is not as recorded', "'reconcile'"],
    'creel describe <id>': described,
    'creel provision <id>': [reconciled, 'names what is not as recorded', "'provision', 'stopped'"],
    'creel change <id> --repair scheduled': [reconciled, 'names what is not as recorded', "'--repair', 'scheduled'"],
  },
  'Host started again': {
    'creel describe <id>': described,
    'creel provision <id>': [reconciled, 'names what is not as recorded', "'provision', 'stopped'"],
    'creel list --attention': [reconciled, 'names what is not as recorded', "'list', '--attention'"],
  },
  'Sweep halted': {
    'creel sweep': [sweep, 'shows its plan, halts at too much', "creel(['sweep'])"],
    'creel sweep --dry-run': [sweep, 'shows its plan, halts at too much', "'sweep', '--dry-run'"],
    'creel sweep --may-go N': [sweep, 'shows its plan, halts at too much', "'sweep', '--may-go', '4'"],
  },
  'Saved states stay': {
    'creel describe': dropped,
    'creel provision <id>': dropped,
    'creel remove <id>': removed,
  },
  'Terminated by hand': {
    'creel provision <id>': [cli, 'a record that somebody terminated is shown', "'provision"],
  },
  'Held until': {
    'creel describe': [killed, 'what is restored begins when no lost attempt', 'held'],
    'creel remove <id>': [killed, 'a removal of what is to be restored waits for nothing', 'stage.remove({ purge'],
  },
  'Fleet rotation stopped': {
    'creel fleet status <run>': fleetShown,
    'creel describe <id>': described,
    'creel rotate --all': fleetRotated,
    'creel rotate <id>': [cli, 'a rotation tells what it proved', "'rotate'"],
    'creel fleet pause <run>': [cli, 'the fleet is listed, rotated', "'fleet', 'pause'"],
    'creel fleet abort <run>': fleetAborted,
  },
  'Update creel': {
    'creel fleet pause <run>': [cli, 'the fleet is listed, rotated', "'fleet', 'pause'"],
    'creel fleet resume <run>': [cli, 'the fleet is listed, rotated', "'fleet', 'resume'"],
    'creel list': [cli, 'the fleet is listed, rotated', 'over the fleet is paused'],
    'creel worker': working,
  },
  'Another run over the fleet': {
    'creel rotate --all': fleetRotated,
    'creel key rotate': [keys, 'takes every gateway over', 'goes through the fleet'],
    'creel list': [cli, 'the fleet is listed, rotated', 'over the fleet is paused'],
    'creel fleet status <run> --follow': fleetShown,
    'creel fleet resume <run>': [cli, 'the fleet is listed, rotated', "'fleet', 'resume'"],
    'creel fleet abort <run>': fleetAborted,
    'creel fleet abort <run> --force': fleetForced,
  },
  'Schedule failed': {
    'creel schedules': [scheduled, 'what a person paused stays paused', "creel('schedules')"],
    'creel export --out creel.jsonl': [scheduled, 'is written by hand', "'export', '--out'"],
    'creel schedules resume rotation': [scheduled, 'what a person paused stays paused', "'schedules', 'resume'"],
    'creel doctor': [scheduled, 'creel doctor names a heartbeat that nobody hears', "creel('doctor', '--json')"],
  },
  'Schedule not ours': {
    'creel schedules': [scheduled, 'what a person paused stays paused', "creel('schedules')"],
    'creel schedules apply': schedulesApplied,
  },
  'Images drifted': {
    'creel release add': [releases, 'is not taken out while it is the last one', 'add(newer)'],
    'creel change <id> --renew': renewed,
    'creel upgrade <id> --release <version>': upgraded,
  },
  Retention: {
    'creel namespace': [doctor, 'warns of a namespace that forgets too soon', 'keyboard.creel(command'],
  },
  'Hand-over due': {
    'creel describe': [cli, 'the fleet is listed, rotated', "'describe', 'fleet-a'"],
    'creel list': due,
    'creel token show <id>': token,
  },
  'Looking a deployment over': {
    'creel doctor': [doctor, 'is well when everything is', "'doctor'"],
    'creel doctor --page': [doctor, 'pages for real with --page', "'--page'"],
    'creel key backup': [backups, 'copies every key', "'backup', into"],
    'creel key backup --noted': [backups, 'copies every key', "'backup', '--noted'"],
    'creel doctor --json': [doctor, 'is well when everything is', 'await doctor()'],
  },
  'What to watch': {
    'creel list --attention': [reconciled, 'names what is not as recorded', "'list', '--attention'"],
    'creel list': [cli, 'the fleet is listed, rotated', 'over the fleet is paused'],
    'creel describe <id>': described,
  },
  'Page not taken': {
    'creel doctor --page': [doctor, 'pages for real with --page', "'--page'"],
    'creel list --attention': [reconciled, 'names what is not as recorded', "'list', '--attention'"],
  },
  'Search attributes missing': {
    'creel doctor': [doctor, 'is well when everything is', "'doctor'"],
  },
};
