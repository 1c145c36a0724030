import fs from 'node:fs';
import path from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { DirectoryGround } from '../ground/directory-ground.js';
import { TestServer } from '../ground/server.js';
import { RecordedDeployment } from './recording/recorded-deployment.js';
import { RecordedFleet } from './recording/recorded-fleet.js';
import { RecordedGateway, RecordedRuns } from './recording/recorded-gateway.js';
import { RecordedHosts } from './recording/recorded-hosts.js';
import { RecordedLog } from './recording/recorded-log.js';
import { RecordedNet } from './recording/recorded-net.js';
import type { Play, Scenario, Scenarios } from './recording/scenario.js';
import { answering, carriedAnswers } from './scenarios/answer.js';
import { carried } from './scenarios/carried.js';
import { deployments } from './scenarios/deployment.js';
import { fleets } from './scenarios/fleet.js';
import { hosts } from './scenarios/hosts.js';
import { lives } from './scenarios/life.js';
import { readings } from './scenarios/log.js';
import { nets } from './scenarios/net.js';
import { pairings } from './scenarios/pair.js';
import { replacements } from './scenarios/replace.js';
import { rotations } from './scenarios/rotate.js';
import { senders } from './scenarios/senders.js';
import { suspensions } from './scenarios/suspend.js';

/**
 * Records the histories that every later version must replay: `node dist/test/replay/record.js DIRECTORY [SCENARIO…]`, once per
 * released version of the workflows, never to be edited. Closed ones, and open ones: idle, running, parked, unwinding.
 */
const [directory = '', ...wanted] = process.argv.slice(2);
if (directory === '' || fs.existsSync(directory))
  throw new Error('name a new directory: recorded histories are never overwritten');
fs.mkdirSync(directory, { recursive: true });

const server = await TestServer.start();
const ground = new DirectoryGround(server);
try {
  await ground.startWorker();
  const gateways = { ...lives, ...pairings, ...rotations, ...replacements, ...answering, ...senders, ...suspensions };
  await recordAll(gateways, async (_name, limits) => new RecordedGateway(ground, limits));
  await recordAll({ ...carried, ...carriedAnswers }, async (_name, limits) => new RecordedRuns(ground, limits));
  await recordAll(fleets, (name, limits) => RecordedFleet.begin(ground, name, limits));
  await recordAll(readings, (_name, asked) => RecordedLog.begin(ground, asked));
  await recordAll(nets, (_name, input) => RecordedNet.begin(ground, input));
  await recordAll(hosts, async () => new RecordedHosts(ground));
  await recordAll(deployments, () => RecordedDeployment.begin(ground));
} finally {
  await ground.close();
  await server.stop();
}

/** Records those of the scenarios that are wanted: all of them when none is named. */
async function recordAll<P extends Play, L>(
  scenarios: Scenarios<P, L>,
  begin: (name: string, limits?: Partial<L>) => Promise<P>,
): Promise<void> {
  for (const [name, scenario] of Object.entries(scenarios)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const play = await begin(name, scenario.limits);
    await record(name, scenario, play);
    await play.close();
  }
}

async function record<P extends Play>(name: string, scenario: Scenario<P, unknown>, play: P): Promise<void> {
  for (const act of [...scenario.asked, scenario.exported]) await act(play);
  for (const [file, history] of Object.entries(await play.histories(name)))
    fs.writeFileSync(path.join(directory, `${file}.json`), withoutStacks(historyToJSON(history)));
}

/** Stack traces say where this machine keeps its files, and no replay reads them. */
function withoutStacks(json: string): string {
  return json.replaceAll(/"stackTrace": "(?:[^"\\]|\\.)*"/g, '"stackTrace": ""');
}
