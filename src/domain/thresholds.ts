/** Every limit with its name, its unit and where its number comes from. */

/** An engine or a registry that does not answer is waited for at least this long: an evening's maintenance, and whoever has to be called. */
export const awayMs = 4 * 3_600_000;

/** It is asked every second at first, then every tenth of the time that it has been away, and at least this often. */
export const awayPaceMs = 60_000;

/** How long the id of an engine is believed without asking again: stopping one and starting another takes longer. */
export const engineIdFreshMs = 1_000;

/** Engines of one deployment: each some 100 bytes of its memo. */
export const enginesLength = 500;

/** How often a worker looks whether its engine is still the one that it serves, and whether it serves it alone. */
export const engineWatchMs = 60_000;

/** Two machines that begin at the same moment see each other's polls after this. */
export const claimSettleMs = 3_000;

/** A worker that lives polls at least this often: a poll is open for 60 s, and one that is cut off is made anew at once. */
export const pollFreshMs = 70_000;

/** A worker that lives and does not answer a request is waited for this long: a machine with twice its load, or a restart of the server. */
export const slowWorkerMs = 300_000;

/** The same for a question, whose asker can look elsewhere. */
export const slowAnswerMs = 20_000;

/** A worker that has not answered for this long is looked for again: one that still polls is only slow. */
export const unansweredMs = 10_000;

/** `openclaw dashboard`, which mints a link, takes 5 to 6 s on a quiet machine. */
export const mintLinkMs = 60_000;

/** S0-25: a gateway idles at 765 MiB and is killed at boot below 1 GiB; under 1.5 GB it has no headroom. */
export const memoryFloorMb = 1536;

/**
 * What a gateway takes of its host at rest (765 MiB, S0-25) with what the machine spends on it: limits may be promised twice,
 * because gateways seldom work all at once, but each must find this much.
 */
export const memoryAtRestMb = 1024;

/** What the kernel, the engine and a worker take of a host that several gateways share: 130 MB of engine, 200 MB of worker, and some. */
export const hostReserveMb = 384;

/** The user in every gateway's container, and so on the host: its limits are shared by all of them. */
export const gatewayUser = 1000;

/** inotify instances of one gateway: one when it is ready (measured), and another for a watcher in a thread of its own. */
export const watchersPerGateway = 2;

/** The most a spec may ask for; above it a typing error is likelier than a wish. */
export const memoryCeilingMb = 262_144;

/** S3-20: nothing is called unhealthy before this. */
export const startPeriodMs = 45_000;

/** S3-20: how the engine's own health check asks, and when it gives up. */
export const healthIntervalMs = 30_000;
export const healthTimeoutMs = 5_000;
export const healthRetries = 5;

/** A cold boot takes 7 to 18 s, one that waits for a dead owner's lease up to 300 s (openclaw-gateway T1). */
export const readinessMs = 330_000;

/** Wrong tokens in a minute before outside clients are locked out, and for how long: well under the 300 s of S3-24. */
export const lockOutAttempts = 10;
export const lockOutWindowMs = 60_000;
export const lockOutMs = 60_000;

/** `docker stop`: a gateway without work ends in 0.6 to 5.5 s; one with a stuck channel takes 326 s and is killed (T3). */
export const stopGraceS = 30;

/** Disk that a gateway's state, its log and an image's unpacking need at least. */
export const freeDiskFloorBytes = 2 * 1024 ** 3;

/** S4-8: log lines kept with a failure. */
export const lastLogLines = 20;

/** The most of them, from the end: a history keeps 2 KB of a failure's message. */
export const lastLogCharacters = 1_400;

/** A container that ends by itself this often while it is waited for is in a crash loop. */
export const crashLoopEnds = 2;

/** The most of one line, name or error that a gateway says: a sentence for people, and a log line of JSON that is read on. */
export const heardCharacters = 4_096;

/** How deep an answer of a gateway may be nested. */
export const heardDepth = 32;

/** The most of what a caller calls itself, in the audit log. */
export const callerCharacters = 200;

/** The name of a device, of a program or of a platform, as tables and questions show it. */
export const nameCharacters = 60;

/** The largest frame that is taken of a gateway: its own policy allows 25 MiB, its longest useful answer has some 100 KB. */
export const frameBytes = 2 * 1024 * 1024;

/** The most that a gateway may send while one question is open, answers and events together. */
export const answerBytes = 8 * 1024 * 1024;

/** The most devices of a gateway that creel works through, and the most that it lists. */
export const devicesMost = 2_000;
export const devicesShown = 200;

/** The most of what a device asks for beyond the usual, as a question names it: with its cure it fits a failure of a history, whole. */
export const wishBytes = 400;

/** The most devices that one sentence names: an eviction of a family's devices names all of them. */
export const devicesNamed = 50;

/** Bytes of a gateway's log that are read at once. */
export const logBytes = 256 * 1024;

/** The most output an exec inside a gateway may return before it is cut and refused. */
export const execOutputBytes = 1024 * 1024;

/** How long a removal keeps the customer's state unless the spec says otherwise. */
export const keepStateMs = 14 * 24 * 3_600_000;

/** How long a removed gateway answers known request ids. */
export const forgetAfterMs = 7 * 24 * 3_600_000;

/** Operations that may wait behind the running one. */
export const queueLength = 50;

/**
 * Words that are said to one run of a record: requests, withdrawals, answers. A server takes 2,000 (`history.maxTotalUpdates`), then
 * none, and a record goes on as new only between two operations. Each part is kept free for what still counts.
 */
export const wordsMost = 2_000;

/** The share of them from which a record goes on as new as soon as it may, and takes no more requests until then. */
export const wordsForRequests = 0.75;

/** The share up to which parks are answered; what is left is for removals, of which one is enough. */
export const wordsForAnswers = 0.9;

/**
 * What continue-as-new carries of a record: a twentieth of the 2 MB at which a server ends a workflow for good. Each limit below
 * keeps its part of it, and a property test adds them up.
 */
export const recordBytes = 100 * 1024;

/** What a record says of itself in its memo, which a list of a whole fleet reads a thousand at a time. */
export const memoBytes = 1_024;

/** Requests remembered at most, some 90 bytes each; of those that have ended older ones go first. */
export const answeredLength = 400;

/** What all requests that wait may take together, as JSON: 50 ordinary ones. */
export const queueBytes = 16 * 1024;

/** Ended operations remembered with their reasons, and how much of a reason: of the last one more. */
export const endedLength = 20;
export const reasonBytes = 2_000;
export const earlierReasonBytes = 160;

/** What could not be removed, each with its reason: room for one that names two engines, and what to do. */
export const leftLength = 30;
export const leftReasonBytes = 350;

/** What a change proved, in its result: so many at most, the last ones, and so much of each. */
export const proofsLength = 200;
export const proofBytes = 600;

/** The same of a proof that names devices: fifty of them, each with its id and what it calls itself. */
export const devicesProofBytes = 12_000;

/** The most of one field of a gateway that was read back, and of a list in it. */
export const recordFieldBytes = 400;
export const recordListLength = 30;
export const recordEntryBytes = 80;

/** Devices that creel let in, remembered to tell them from others: more than a person or a team has. */
export const approvedLength = 64;

/** Releases that could not be proved and are remembered. */
export const failedLength = 20;

/** Senders that all channels of a gateway name together, ids of 20 characters at most. */
export const sendersLength = 100;

/** How often an operation may read its list again from the top. */
export const startOvers = 3;

/** An undo that takes longer pages a person; it goes on. */
export const undoPageMs = 600_000;

/** Senders that one channel of a spec may name: a team, and a record that stays small. */
export const sendersMost = 100;

/** S4-35: an enabled channel that has not connected by then is a finding, not a wait. */
export const channelsMs = 60_000;

/** A life whose record was lost may have burned generations that nobody remembers: the next one skips this many. */
export const lostGenerations = 1_000;

/** S3-24: a rotation that is not proved by then goes back to the old token. */
export const rotationMs = 300_000;

/** How often a config that somebody else edits at the same time is read again. */
export const configReadings = 3;

/** After a change of the token the gateway closes the sessions on the old one within 0.4 s (openclaw-gateway 7). */
export const sessionCloseMs = 5_000;

/** A stop within a rotation must leave room for the write and the start in one attempt; a kill is harmless (T1). */
export const rotationStopGraceS = 10;

/** Gateways that a run over the fleet changes at once unless told otherwise, and at most: each holds one of a worker's 60 calls. */
export const fleetWindowUsual = 5;
export const fleetWindow = 20;

/** Gateways in one run over the fleet that an older creel began: it holds them all at once. */
export const fleetSize = 5_000;

/** Gateways that a run over the fleet looks at in one go: some 100 bytes each in an answer that must stay under 256 KB. */
export const fleetPageLength = 200;

/** Gateways that a run over the fleet names with their ends, those that failed before others: some 300 bytes each. */
export const fleetNamed = 200;

/** How long all of a page may be silent: the worker that asks is there, and a busy one is late. */
export const fleetSilenceMs = 120_000;

/** The share of a fleet that may fail before the rest is left alone. */
export const fleetMaxFailed = 0.1;

/** Visibility is seconds behind at worst: a record that was made before that is listed. */
export const visibilityMs = 5_000;

/** A rotation of the fleet waits this long for its turn behind other operations; an upgrade with its snapshot takes minutes. */
export const fleetBeginMs = 30 * 60_000;
/** S2-18: more wrong tokens than this while a device is waited for, and a second source of truth is assumed. */
export const pairingMismatches = 3;

/** How long a device is waited for unless told otherwise: two lives of its request (five minutes each, openclaw-gateway 6). */
export const pairingWaitMs = 600_000;

/** The most a device may be waited for: an operation blocks the others of its gateway. */
export const pairingWaitCeilingMs = 24 * 3_600_000;

/** How often a gateway is asked for a device that is waited for: a question over an open session takes a few milliseconds. */
export const pairingPaceMs = 700;

/** The same after some minutes: a request lives for five of them, and there may be a thousand that wait. */
export const pairingSlowMs = 10_000;

/** An approval that waits for another role goes on in an attempt of its own after this, well within the 30 s of a call that changes something. */
export const approvalTurnMs = 25_000;

/** A gateway gives a connection this long to prove who it is: what it noted meanwhile may be overtaken (2026.9.6). */
export const handshakeMs = 15_000;

/** What the gateway's clock and Temporal's may differ by. */
export const clockSkewMs = 2_000;

/** Lines of a gateway's log that are read at once. */
export const logLines = 500;
/** An upgrade with its migration is ready after 11.2 s, a slow start after 18 s; 90 s is a comfortable budget (openclaw-gateway 12). */
export const replacementReadyMs = 90_000;

/** A channel that is switched off lets the gateway stop in 3 s when it is given this long first (T3). */
export const channelsOffMs = 12_000;

/** `docker stop` within a replacement: a gateway without work ends in 0.6 to 5.5 s, and a kill is harmless (T1, T3). */
export const replacementStopGraceS = 30;

/** How long the previous release and its state can be gone back to: a week shows what a day does not. */
export const keepFormerMs = 7 * 24 * 3_600_000;

/** A release that failed this often is not tried again without an operator. */
export const failedTries = 3;

/** How long a gateway that is rolled back may take to let creel in, until it counts as one that does not serve: a hiccup is over by then. */
export const servingMs = 12_000;

/** How long one that did not serve before may take on its way back, within one attempt of it. */
export const formerReadyMs = 60_000;

/** How often it is started on its way back: an engine or a host that restarts ends one start, not every one. */
export const formerStarts = 3;

/**
 * How long after its first, second, … failure letting go of saved states is tried again: what knows evicted devices and old tokens
 * must not stay because an engine hiccuped, and an engine that refuses it needs a person, who hears of it at once and then daily.
 */
export const dropPausesMs = [60_000, 5 * 60_000, 30 * 60_000, 2 * 3_600_000, 12 * 3_600_000, 24 * 3_600_000] as const;
/** What a gateway is left with above what it holds when it is given less memory: under work its heap grows by some 100 MB. */
export const memoryMarginMb = 256;

/** How often the config of a gateway that does not answer is looked at while it is waited for: reading it costs some 20 ms. */
export const configLookMs = 5_000;

/** How often a gateway that takes connections and says nothing is asked, five seconds each: a busy one answers one of them. */
export const silentLooks = 4;

/** From when on a container behind whose port nobody listens is no slow start: one at a load of 20 took 100 s (openclaw-models-channels 23). */
export const deafMs = 180_000;

/** What a gateway that hangs is given to stop before it is killed, which the stable hostname makes harmless (T1). */
export const wedgedStopGraceS = 10;
/** The most that the start of a rehearsal may take: nobody waits for it, and one attempt of its step holds the copy too. */
export const rehearsalReadyMs = 300_000;

/** How often a trial is started: a start under load may fail by itself (models-channels 23), an engine that restarts ends one. */
export const trialStarts = 2;

/** How often a new container that was told to end from outside is started again: an engine that restarts ends one start, not every one. */
export const restartedStarts = 2;

/** A walk over 200,000 files of a state on a slow disk takes minutes; a copy of it would take far longer. */
export const measureStateMs = 600_000;

/** A path of 4,096 bytes is too long for any call of the kernel; a copy puts up to 22 before what a state has. */
export const longestPathBytes = 4_050;
