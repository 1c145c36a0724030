import { afterAll, beforeAll, it } from 'vitest';
import type { Limits } from '../../src/wire/limits.js';
import { DirectoryGround } from '../ground/directory-ground.js';
import { TestServer } from '../ground/server.js';
import { DirectoryStage } from '../ground/directory-stage.js';

type Play = (stage: DirectoryStage) => Promise<void>;
type On = (title: string, run: Play) => void;

/** One dev server, one world and one worker for a test file; each test gets a gateway id there. Tests run side by side. */
export function onSharedGround(limits: Partial<Limits> = {}): On {
  let ground: DirectoryGround;
  beforeAll(async () => {
    ground = new DirectoryGround(await TestServer.start());
    await ground.startWorker();
  });
  afterAll(async () => {
    await ground.close();
    await ground.server.stop();
  });
  return (title, run) => it.concurrent(title, () => playOn(new DirectoryStage(ground, limits), run));
}

/** One dev server for a test file; each test gets a world of its own, whose workers it starts and kills. */
export function onOwnGround(limits: Partial<Limits> = {}): On {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(() => server.stop());
  return (title, run) => it.concurrent(title, () => playOnOwn(server, limits, run));
}

/**
 * One dev server for a test file, and worlds whose worker comes back when it dies: a test has one to itself, which the next one
 * takes over, because a worker takes two seconds of a processor to start.
 */
export function onKeptWorker(limits: Partial<Limits> = {}): On {
  let server: TestServer;
  const all: DirectoryGround[] = [];
  const free: DirectoryGround[] = [];
  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(async () => {
    await Promise.all(all.map((ground) => ground.close()));
    await server.stop();
  });
  const open = async () => {
    const ground = new DirectoryGround(server);
    all.push(ground);
    await ground.keepWorker();
    return ground;
  };
  return (title, run) =>
    it.concurrent(title, async () => {
      const ground = free.pop() ?? (await open());
      await playOn(new DirectoryStage(ground, limits), run);
      free.push(ground);
    });
}

/** A dev server and a world for each test, which kills both. Tests run side by side. */
export function onOwnServer(limits: Partial<Limits> = {}): On {
  return (title, run) =>
    it.concurrent(title, async () => {
      const server = await TestServer.start();
      try {
        await playOnOwn(server, limits, run);
      } finally {
        await server.stop();
      }
    });
}

async function playOnOwn(server: TestServer, limits: Partial<Limits>, run: Play): Promise<void> {
  const ground = new DirectoryGround(server);
  try {
    await playOn(new DirectoryStage(ground, limits), run);
  } finally {
    await ground.close();
  }
}

async function playOn(stage: DirectoryStage, run: Play): Promise<void> {
  try {
    await run(stage);
    stage.demandCrashes();
  } finally {
    await stage.close();
  }
}
