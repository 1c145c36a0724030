/** Every limit with its name, its unit and where its number comes from. */

/**
 * An engine or a registry that does not answer is waited for at least this long: an evening's maintenance, or calling
 * somebody in.
 */
export const awayMs = 4 * 3_600_000;

/** How often at least it is asked meanwhile: every second at first, then after a tenth of the time it has been away. */
export const awayPaceMs = 60_000;

/** How long an engine's id is believed without asking again: stopping one engine and starting another takes longer. */
export const engineIdFreshMs = 1_000;

/** Releases on the record of one deployment: each at most some 500 bytes of its memo. */
export const releasesLength = 50;

/** The longest reference of an image on that record. */
export const recordedImageLength = 300;

/** Engines of one deployment: each some 100 bytes of its memo. */
export const enginesLength = 500;

/** How many hosts a refusal for want of room names one by one. */
export const hostsNamed = 20;

/** How often the ledger is counted anew from engines and records: what a lost word made wrong is right a day later. */
export const ledgerCountMs = 24 * 3_600_000;

/** A count that is older than this is made anew before somebody is refused for want of room. */
export const ledgerStaleMs = 10 * 60_000;

/**
 * How often a host's processors may be promised unless its settings say otherwise: a gateway that does nothing takes
 * 1 % of one (S0-25), and memory, which is never promised twice, runs out first.
 */
export const cpuOvercommit = 4;

/** How often a worker checks that its engine is still the one it serves, and that it alone serves it. */
export const engineWatchMs = 60_000;

/** How often a worker that serves metrics counts how the deployment stands (K-4): as often as Prometheus mostly reads. */
export const countMs = 60_000;

/** How long the gateways of a host are waited for that were asked to be proved again; then people hear who is not ready yet. */
export const provingMs = 60 * 60_000;

/** After this, two machines that began at the same moment see each other's polls. */
export const claimSettleMs = 3_000;

/** A live worker polls at least this often: a poll stays open for 60 s, and one that is cut off is renewed at once. */
export const pollFreshMs = 70_000;

/**
 * A live worker that does not answer a request is waited for this long: its machine has twice its load, or the server
 * restarts.
 */
export const slowWorkerMs = 300_000;

/** The same for a question, which can be answered elsewhere. */
export const slowAnswerMs = 20_000;

/** After this long without an answer, the server is asked whether the worker still polls: then it is only slow. */
export const unansweredMs = 10_000;

/** `openclaw dashboard`, which mints a link, takes 5 to 6 s on a quiet machine. */
export const mintLinkMs = 60_000;

/** S0-25: a gateway idles at 765 MiB and is killed at boot below 1 GiB; under 1.5 GB it has no headroom. */
export const memoryFloorMb = 1536;

/**
 * What a gateway takes of its host at rest (765 MiB, S0-25), with what the machine spends on it. Limits may be promised
 * twice, because gateways seldom all work at once, but each must find this much.
 */
export const memoryAtRestMb = 1024;

/**
 * What the kernel, the engine and a worker take of a host that several gateways share: 130 MB of engine, 200 MB of
 * worker, and a margin.
 */
export const hostReserveMb = 384;

/** The user in every gateway's container, and so on the host, where all gateways share its limits. */
export const gatewayUser = 1000;

/**
 * inotify instances of one gateway: one when it is ready (measured), and another for a watcher in a thread of its own.
 */
export const watchersPerGateway = 2;

/** The most a spec may ask for: beyond it a typing error is likelier than intent. */
export const memoryCeilingMb = 262_144;

/** S3-20: nothing is called unhealthy before this. */
export const startPeriodMs = 45_000;

/** S3-20: how the engine's own health check asks, and when it gives up. */
export const healthIntervalMs = 30_000;
export const healthTimeoutMs = 5_000;
export const healthRetries = 5;

/** A cold boot takes 7 to 18 s, one that waits for a dead owner's lease up to 300 s (openclaw-gateway T1). */
export const readinessMs = 330_000;

/** How many wrong tokens in a minute lock outside clients out, and for how long: well under the 300 s of S3-24. */
export const lockOutAttempts = 10;
export const lockOutWindowMs = 60_000;
export const lockOutMs = 60_000;

/**
 * `docker stop`: a gateway without work ends in 0.6 to 5.5 s; one with a stuck channel takes 326 s and is killed (T3).
 */
export const stopGraceS = 30;

/** How many releases of a catalogue one look over a deployment asks an engine for. */
export const releasesLookedAt = 50;

/** A clock that is further away than this is worth a word; the figures of a pairing and of a page are off by as much. */
export const clockWarnMs = 5_000;

/** A clock that is further away than this is wrong: a worker that polls counts as gone after `pollFreshMs`. */
export const clockFailMs = 60_000;

/** A fresh state takes some 20 MB, and a workspace with a browser's cache soon a few hundred. */
export const diskFloorMb = 1024;

/** More than any host has: a mistyped unit. */
export const diskCeilingMb = 64 * 1024 ** 2;

/** S0-34: from this part of its disk on, a state is named before it is over. */
export const diskWarnShare = 0.9;

/** The least free disk for a gateway's state, its log and an image's unpacking. */
export const freeDiskFloorBytes = 2 * 1024 ** 3;

/** S4-8: how many log lines are kept with a failure. */
export const lastLogLines = 20;

/** How many of their characters, from the end: a history keeps 2 KB of a failure's message. */
export const lastLogCharacters = 1_400;

/** A container that ends by itself this often while it is awaited is in a crash loop. */
export const crashLoopEnds = 2;

/** How many of the last lines of a log are shown when nothing else is asked for, and at most. */
export const logTailLines = 200;

/**
 * S4-8, S4-43: how many lines of a log a worker holds for one reader, and how many bytes of them; then the source waits.
 */
export const logRingLines = 10_000;
export const logRingBytes = 4 * 1024 * 1024;

/** How much of one line is looked at: an engine cuts at 16 KB, and a secret that the cut meets must not show its half. */
export const logLineCharacters = 17 * 1024;

/** How much one answer to a reader carries: sealed it is a third more, and stands in a history twice. */
export const logPieceBytes = 32 * 1024;

/** How long a reader's question waits for a line: a third of what one call may take. */
export const logWaitMs = 10_000;

/** How long lines are gathered before they are handed over: whoever follows asks twice a second at most. */
export const logGatherMs = 500;

/** A follower that stayed behind its source for so long is moved on, and told how much was left out. */
export const logBehindMs = 10_000;

/** How long the source is read on then, so that it costs no processor for longer than that. */
export const logCatchUpMs = 1_000;

/** A reader that has not asked for so long has gone: its source is closed, and its run ends. 32 KB at 1 KB/s take less. */
export const logGoneMs = 60_000;

/** How many questions one run answers, some ten events and 90 KB each; then the reader begins another. */
export const logAsksMost = 64;

/** For how many readers a worker holds its source open; whoever has waited longest begins again where it was. */
export const logReadersMost = 10;

/**
 * The most of one line, name or error of a gateway: enough for a sentence for people, and for a JSON log line that is
 * parsed.
 */
export const heardCharacters = 4_096;

/** From which length on a secret is looked for in texts, and taken out of them. */
export const tellingCharacters = 8;

/** How deeply an answer of a gateway may be nested. */
export const heardDepth = 32;

/** How much of a caller's own name goes into the audit log. */
export const callerCharacters = 200;

/** How much of the name of a device, program or platform tables and questions show. */
export const nameCharacters = 60;

/**
 * The largest frame accepted from a gateway: its own policy allows 25 MiB, its longest useful answer has some 100 KB.
 */
export const frameBytes = 2 * 1024 * 1024;

/** How long a code that a chat channel tells a sender can be approved: an hour, by the gateway's own rule. */
export const senderCodeMs = 3_600_000;

/**
 * One visit to a gateway's book of chat senders: it loads the release's own code, in 1 to 5 s. Two fit into what an
 * attempt of a step has. What is not done by then is not begun any more, so that nothing of a lost attempt lands late.
 */
export const sendersMs = 13_000;

/** How much of a chat sender's id or code is read and shown: the longest, of Matrix, has 255 letters; no command line needs more. */
export const senderCharacters = 255;

/** How many chat senders a sentence names. */
export const sendersNamed = 5;

/** How many chat senders that were let in by a code creel lists. */
export const sendersShown = 200;

/** How many pairings of chat senders a gateway's state remembers, so that each can be taken back: at most 150 KB. One that is older is taken back by a person. */
export const senderNotes = 200;

/** The most that a gateway may send while one question is open, answers and events together. */
export const answerBytes = 8 * 1024 * 1024;

/** How many devices of a gateway creel works through and, below, how many it lists. */
export const devicesMost = 2_000;
export const devicesShown = 200;

/**
 * How much of a device's wish beyond the usual a question names: with its remedy it fits whole into a history's
 * failure.
 */
export const wishBytes = 400;

/** How many devices one sentence names: enough for the eviction of a family's devices. */
export const devicesNamed = 50;

/** How many bytes of a gateway's log are read at once. */
export const logBytes = 256 * 1024;

/** How much output of an exec inside a gateway is accepted. */
export const execOutputBytes = 1024 * 1024;

/** How long a removal keeps the customer's state unless the spec says otherwise. */
export const keepStateMs = 14 * 24 * 3_600_000;

/** How long a removed gateway answers known request ids. */
export const forgetAfterMs = 7 * 24 * 3_600_000;

/** How many operations may wait behind the running one. */
export const queueLength = 50;

/**
 * How many messages one run of a record takes: requests, withdrawals, answers. A server takes 2,000
 * (`history.maxTotalUpdates`), then none, and a record can continue as new only between two operations. Below, a share
 * is kept free for what must still get through.
 */
export const messagesMost = 2_000;

/** From this share on, a record continues as new as soon as it can, and takes no more requests until then. */
export const messagesForRequests = 0.75;

/** Up to this share, parks are answered; the rest is for removals, of which one is enough. */
export const messagesForAnswers = 0.9;

/**
 * What continue-as-new carries of a record: a sixteenth of the 2 MB at which a server ends a workflow for good. Each
 * limit below keeps to its part of it, and a property test adds them up.
 */
export const recordBytes = 128 * 1024;

/** How much a record says of itself in its memo: the list of a whole fleet reads a thousand memos at a time. */
export const memoBytes = 1_024;

/** How many requests are remembered, at some 90 bytes each; of the ended ones, the oldest are forgotten first. */
export const answeredLength = 300;

/** How much all waiting requests take together, as JSON: room for 50 ordinary ones. */
export const queueBytes = 16 * 1024;

/** How many ended operations are remembered with their reasons, and how much of a reason: more of the last one. */
export const endedLength = 20;
export const reasonBytes = 2_000;
export const earlierReasonBytes = 160;

/** Longest reason that a person gives for a suspension, in characters: it stands in lists and in refusals. */
export const suspensionReasonLength = 200;

/** So many events of a billing system are remembered of one subscription: Stripe repeats one for three days. */
export const noticesLength = 64;

/** How much the spec of a plan takes, as JSON: a record keeps it until the gateway is begun with it. */
export const specBytes = 8 * 1024;

/** How long what an account comes to is let rest after it was refused, or came to nothing (ms): it costs an operation a try. */
export const billAgainMs = 10 * 60_000;

/** How long a body the front door takes: Stripe's largest events have some 100 KB. */
export const frontBodyBytes = 256 * 1024;

/** How long a request of the front door may take to arrive (ms): what is slower is no billing system. */
export const frontArrivalMs = 10_000;

/** How many connections the front door holds. */
export const frontConnections = 512;

/** How many gateways the front door tells something at once: what comes beyond is told again by who sent it. */
export const frontAtOnce = 64;

/** How many guests the front door answers at once: whoever is let in has its gateway looked at twice. */
export const guestsAtOnce = 32;

/** How long the link of an invitation may be valid (ms): thirty days. */
export const longestInvitationMs = 30 * 86_400_000;

/** How long a record may take to hear a bill (ms). Billing systems wait some ten seconds themselves, and tell it again. */
export const hearBillMs = 8_000;

/** How many failed undos are remembered, more than there are steps with an undo, each with a reason that has room for two engines and what to do. */
export const leftLength = 24;
export const leftReasonBytes = 350;

/** How many proofs of a change its result keeps, the last ones, and how much of each. */
export const proofsLength = 200;
export const proofBytes = 600;

/** The same for a proof that names devices: fifty of them, each with its id and its name. */
export const devicesProofBytes = 12_000;

/** How much of one field of a reading is kept, and of a list in it. */
export const recordFieldBytes = 400;
export const recordListLength = 30;
export const recordEntryBytes = 80;

/** How many devices that creel let in are remembered, to tell them from others: more than a person or a team has. */
export const approvedLength = 64;

/** How many releases that could not be proved are remembered. */
export const failedLength = 20;

/** How many senders all channels of a gateway name together, ids of 20 characters at most. */
export const sendersLength = 100;

/**
 * How much the models of a gateway take, as JSON: room for six providers, or an endpoint of thirty models. A record
 * holds several copies during a change.
 */
export const modelsBytes = 1_536;

/** How much `[config]` takes, as JSON: some thirty settings. A record holds several copies during a change. */
export const extrasBytes = 1_536;

/** How much `[environment]` takes, as JSON: some ten variables. */
export const environmentBytes = 512;

/** How long the name of a model and the address of an endpoint may be. */
export const modelNameLength = 96;
export const providerUrlLength = 200;

/** How often an operation may read its list again from the top. */
export const startOvers = 3;

/** An undo that takes longer than this pages a person; it goes on. */
export const undoPageMs = 600_000;

/** How many senders one channel of a spec may name: enough for a team, and the record stays small. */
export const sendersMost = 100;

/** S4-35: an enabled channel that has not connected by then is reported, not waited for. */
export const channelsMs = 60_000;

/** A turn that has not ended by then is given up and forgotten: a model answers one short sentence in seconds. */
export const turnMs = 60_000;

/**
 * A provider that is down or slow is asked again until then, and so two or three times at most: a turn may cost
 * something. A key that was refused rests for a minute in its gateway, the next one under its name as well (2026.9.6).
 */
export const turnsMs = 150_000;

/** From one turn that was not answered to the next. */
export const turnPaceMs = 15_000;

/** How long a gateway waits for one slice of an answer, well below the limit of a call. */
export const turnSliceMs = 5_000;

/** A provider that takes no connection by then is not reached: a handshake takes a round trip or two. */
export const reachMs = 5_000;

/** A life whose record was lost may have used generations that nobody remembers: the next one skips this many. */
export const lostGenerations = 1_000;

/** S3-24: a rotation that is not proved by then is undone, back to the old token. */
export const rotationMs = 300_000;

/** How often a config is read again because somebody else edits it at the same time. */
export const configReadings = 3;

/** After a change of the token, the gateway closes sessions with the old one within 0.4 s (openclaw-gateway 7). */
export const sessionCloseMs = 5_000;

/**
 * A stop within a rotation must leave time for the write and the start in the same attempt; a kill is harmless (T1).
 */
export const rotationStopGraceS = 10;

/**
 * How many gateways a run over the fleet changes at once, by default and, below, at most: each takes one of a worker's
 * 60 calls.
 */
export const fleetWindowUsual = 5;
export const fleetWindow = 20;

/** How many gateways a run takes that an older creel began: it holds them all at once. */
export const fleetSize = 5_000;

/**
 * How many gateways a run over the fleet looks at in one go: some 100 bytes each, in an answer that must stay under 256
 * KB.
 */
export const fleetPageLength = 200;

/** How many gateways a run over the fleet names with their ends, failed ones first: some 300 bytes each. */
export const fleetNamed = 200;

/** How long a whole page may be silent: the worker that asks is alive, and a busy one is late. */
export const fleetSilenceMs = 120_000;

/** The share of a fleet that may fail before the rest is left alone. */
export const fleetMaxFailed = 0.1;

/** Visibility is at worst seconds behind: a record made earlier than this is listed. */
export const visibilityMs = 5_000;

/**
 * How long a rotation of the fleet waits for its turn behind other operations; an upgrade with its saved state takes
 * minutes.
 */
export const fleetBeginMs = 30 * 60_000;
/** S2-18: after more wrong tokens than this while a device is awaited, a second source of truth is assumed. */
export const pairingMismatches = 3;

/** How long a device is awaited by default: two lives of its request (five minutes each, openclaw-gateway 6). */
export const pairingWaitMs = 600_000;

/** The longest that a device may be awaited: meanwhile the operation blocks the others of its gateway. */
export const pairingWaitCeilingMs = 24 * 3_600_000;

/** How often a gateway is asked for an awaited device: a question over an open session takes a few milliseconds. */
export const pairingPaceMs = 700;

/** The same after some minutes: a request lives for five of them, and a thousand pairings may be waiting. */
export const pairingSlowMs = 10_000;

/**
 * After this, an approval that waits for another role continues in its next attempt: well within the 30 s of a call
 * that changes something.
 */
export const approvalTurnMs = 25_000;

/** How long a gateway gives a connection to prove who it is: what it noted meanwhile may be overtaken (2026.9.6). */
export const handshakeMs = 15_000;

/** How far the gateway's clock and Temporal's may be apart. */
export const clockSkewMs = 2_000;

/** How many lines of a gateway's log are read at once. */
export const logLines = 500;
/**
 * An upgrade with its migration is ready after 11.2 s, a slow start after 18 s; 90 s is a comfortable budget
 * (openclaw-gateway 12).
 */
export const replacementReadyMs = 90_000;

/** After its channels have been off for this long, a gateway stops within 3 s (T3). */
export const channelsOffMs = 12_000;

/** `docker stop` within a replacement: a gateway without work ends in 0.6 to 5.5 s, and a kill is harmless (T1, T3). */
export const replacementStopGraceS = 30;

/** How long one can go back to the former release and its saved state: a week shows what a day does not. */
export const keepFormerMs = 7 * 24 * 3_600_000;

/** A release that has failed this often is not tried again without an operator. */
export const failedTries = 3;

/**
 * How long a gateway that is rolled back may take to let creel in before it counts as not serving: a hiccup is over by
 * then.
 */
export const servingMs = 12_000;

/** How long one that did not serve before may take on its way back, within one attempt. */
export const formerReadyMs = 60_000;

/** How often it is started on its way back: a restart of the engine or the host ends one start, not every one. */
export const formerStarts = 3;

/**
 * The pauses before a failed drop of saved states is tried again. What knows evicted devices and old tokens must not
 * stay because an engine hiccuped; an engine that refuses needs a person, who is told at once and then daily.
 */
export const dropPausesMs = [60_000, 5 * 60_000, 30 * 60_000, 2 * 3_600_000, 12 * 3_600_000, 24 * 3_600_000] as const;
/**
 * How much memory above what it holds a gateway keeps when it is given less: under work its heap grows by some 100 MB.
 */
export const memoryMarginMb = 256;

/** How often the config of an awaited gateway that does not answer is examined: reading it costs some 20 ms. */
export const configLookMs = 5_000;

/**
 * How often a gateway that takes connections and says nothing is asked, five seconds each time: a busy one answers
 * once.
 */
export const silentLooks = 4;

/**
 * From when on a container without a listener behind its port is no slow start: at a load of 20 one took 100 s
 * (openclaw-models-channels 23).
 */
export const deafMs = 180_000;

/** How long a hanging gateway gets to stop before it is killed, which the stable hostname makes harmless (T1). */
export const wedgedStopGraceS = 10;
/** The longest start of a rehearsal: nobody waits for it, and one attempt of its step includes the copy, too. */
export const rehearsalReadyMs = 300_000;

/**
 * How often a trial is started: under load a start may fail by itself (models-channels 23), and an engine's restart
 * ends one.
 */
export const trialStarts = 2;

/**
 * How often a new container that was ended from outside is started again: an engine's restart ends one start, not every
 * one.
 */
export const restartedStarts = 2;

/** How long a look has the files of a state counted inside its gateway: some 100,000 on a slow disk. */
export const usedStateMs = 10_000;

/** How many states of one engine `creel doctor` has measured at most, and at once. */
export const statesMeasured = 500;
export const statesAtOnce = 4;

/** Walking 200,000 files of a state on a slow disk takes minutes; copying it would take far longer. */
export const measureStateMs = 600_000;

/** A path of 4,096 bytes is too long for any call of the kernel, and a copy puts up to 22 in front of a state's own. */
export const longestPathBytes = 4_050;

/** How many exports of the records stay: a month of one a day. */
export const exportsKept = 30;

/** Ten thousand records are read in minutes; a worker that is busy takes longer. */
export const exportMs = 3_600_000;

/** How many gateways a report names. */
export const namedInReport = 20;

/** S4-5: a sweep that would remove more than this many things, and more than this share of what it sees, halts instead. */
export const sweepFloor = 3;
export const sweepShare = 0.02;

/** Lives that a sweep looks at in one go: at eight things of 330 bytes each, a page that is all reports stays under 256 KB. */
export const sweepPageLength = 80;

/** Lives in a region that a sweep looks at in one go: each has an engine of its own, behind a connection of its own. */
export const regionPageLength = 20;

/** How many machines are looked at at the same time, and how long one may take: it may answer nobody. */
export const machinesAtOnce = 10;
export const machineLookMs = 25_000;

/** How long a region in which no gateway is to stand is waited for before what is bought is told without it (K-1). */
export const otherRegionMs = 5_000;

/** How often a worker looks whether machines were started again: before a connection that nobody uses is closed. */
export const machineWatchMs = 45_000;

/** A machine that nobody has asked for so long is forgotten: longer than any one call to it lasts. */
export const machineUnusedMs = 24 * 3_600_000;

/** How many things a sweep removes in one run, and names in its result. */
export const sweepRemoves = 200;
export const sweepNames = 150;

/** How many reported things a sweep remembers, so that it pages for new ones alone. */
export const sweepRemembers = 1_500;

/** How long what no record speaks for runs on before a sweep stops it: long enough to restore a record, too short to pay twice. */
export const condemnedGraceMs = 7 * 24 * 3_600_000;

/** Gateways that a reconciliation looks at in one go: each is asked and looked at, some 20 ms. */
export const driftPageLength = 200;

/** A run that was due so long ago was not begun by the server: the jitter of every schedule is part of when it is due. */
export const scheduleLateMs = 5 * 60_000;

/** The longest of what schedules begin, but for a rotation of the fleet, has a limit of an hour, and waits for workers besides. */
export const scheduledRunMs = 6 * 3_600_000;

/**
 * How long a new machine may take until it has an address, answers over SSH and has installed Docker: some three
 * minutes, and ten on a slow day. Beyond that, something of it will not come by itself.
 */
export const machineBootMs = 15 * 60_000;

/** A machine that was ordered so recently may not be listed yet: Lightsail's lists come after its answers. */
export const machineUnseenMs = 120_000;

/** How often a machine that boots is asked, at first; then every 5 s. */
export const machinePaceMs = 500;

/** How often it is asked whether a machine is gone, at first. */
export const machineGonePaceMs = 100;

/** How long one attempt of a machine's removal waits until it is gone: less than an undo may take. */
export const machineGoneTurnMs = 60_000;

/** The disk of a machine in GB, beside what the spec asks for: its system, an image, and that of the release before. */
export const machineDiskGb = 20;

/** How long a kept state stays at least after its record was recovered, though its time was over before: an export may be old. */
export const recoveredKeptMs = 24 * 3_600_000;

/** How long a fence that was found to stand is believed to; rules go with a reboot, and by anybody's hand. */
export const fenceStaleMs = 3_600_000;

/** How long a worker that has begun leaves an engine alone before it tries its fence, and how often it does so again. */
export const fenceFirstMs = 60_000;
export const fenceDailyMs = 24 * 3_600_000;

/** How long a knock of a trial waits, and how often one that nobody answers is made: what turns it away may be slow. */
export const knockMs = 1_500;
export const knockTries = 3;

/** The containers of a trial end by themselves after this; then what a lost worker left of one may be taken away. */
export const fenceTrialMs = 60_000;

/** What tries a fence is nobody's any more after so long: a trial ends itself within a minute (S4-5). */
export const trialGraceMs = 3_600_000;

/** An image that was just pulled is for a gateway that may be on no record of its engine yet. */
export const imageGraceMs = 86_400_000;
