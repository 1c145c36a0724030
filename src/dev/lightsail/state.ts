import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { invalid, missing } from './answer.js';

const tags = z.array(z.object({ key: z.string(), value: z.string() }));
const base = { name: z.string(), arn: z.string(), createdAt: z.number() };

const port = z.object({
  fromPort: z.number(),
  toPort: z.number(),
  protocol: z.string(),
  cidrs: z.array(z.string()),
  ipv6Cidrs: z.array(z.string()),
});

const machine = z.object({
  ...base,
  kind: z.literal('Instance'),
  id: z.string(),
  zone: z.string(),
  bundleId: z.string(),
  blueprintId: z.string(),
  tags,
  keyPairName: z.string().optional(),
  launchScript: z.string(),
  phase: z.enum(['pending', 'running', 'stopping', 'stopped', 'shutting-down', 'gone']),
  /** When its phase is over; a phase that lasts has none. */
  until: z.number().optional(),
  /** From when on it is listed, and its address told. */
  seenFrom: z.number(),
  addressFrom: z.number(),
  address: z.string().optional(),
  isFenced: z.boolean(),
  ports: z.array(port),
  operation: z.string(),
  /** Why it will not come to be. */
  failure: z.string().optional(),
});

const address = z.object({
  ...base,
  kind: z.literal('StaticIp'),
  ipAddress: z.string(),
  attachedTo: z.string().optional(),
});

const key = z.object({ ...base, kind: z.literal('KeyPair'), publicKey: z.string(), tags });

const snapshot = z.object({
  ...base,
  kind: z.literal('InstanceSnapshot'),
  from: z.string(),
  bundleId: z.string(),
  blueprintId: z.string(),
  sizeInGb: z.number(),
  tags,
});

/** What the stand-in only knows to bear a name. */
const other = z.object({ ...base, kind: z.enum(['Disk', 'LoadBalancer']) });

const thing = z.discriminatedUnion('kind', [machine, address, key, snapshot, other]);

const operation = z.object({
  id: z.string(),
  resourceName: z.string(),
  resourceType: z.string(),
  operationType: z.string(),
  createdAt: z.number(),
  status: z.enum(['Started', 'Succeeded', 'Failed']),
  errorCode: z.string().optional(),
  errorDetails: z.string().optional(),
  /** Of a machine that was ordered. */
  zone: z.string().optional(),
});

const billed = z.object({
  kind: z.enum(['machine', 'address', 'snapshot']),
  region: z.string(),
  name: z.string(),
  hourlyUsd: z.number(),
  from: z.number(),
  until: z.number().optional(),
});

const account = z.object({
  /** How many machines and addresses it may have in each region. */
  machines: z.number().default(20),
  addresses: z.number().default(5),
  /** The largest memory of a size that it is sold. */
  largestGb: z.number().default(1_024),
  setup: z.enum(['done', 'in progress']).default('done'),
  /** Zones that take no new machine now. */
  fullZones: z.array(z.string()).default([]),
});

const shape = z.object({
  account: account.prefault({}),
  regions: z.record(z.string(), z.object({ things: z.record(z.string(), thing), operations: z.array(operation) })),
  bill: z.array(billed),
});

type Content = z.infer<typeof shape>;
export type Machine = z.infer<typeof machine>;
export type Address = z.infer<typeof address>;
export type Thing = z.infer<typeof thing>;
export type Operation = z.infer<typeof operation>;
export type Billed = z.infer<typeof billed>;
export type Account = z.infer<typeof account>;
type Kind = Thing['kind'];

/** What words Lightsail has for the kinds. */
const called: Readonly<Record<Kind, string>> = {
  Instance: 'Instance',
  StaticIp: 'StaticIp',
  KeyPair: 'KeyPair',
  InstanceSnapshot: 'InstanceSnapshot',
  Disk: 'Disk',
  LoadBalancer: 'LoadBalancer',
};

const nameForm = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,253}[A-Za-z0-9]$/;

/** All that an account has, in one file of a directory: what was answered is still there after a crash. */
export class State {
  readonly #file: string;
  readonly content: Content;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#file = path.join(directory, 'lightsail.json');
    const text = existsSync(this.#file) ? readFileSync(this.#file, 'utf8') : '{"regions":{},"bill":[]}';
    this.content = shape.parse(JSON.parse(text));
  }

  save(): void {
    writeFileSync(`${this.#file}.new`, JSON.stringify(this.content));
    renameSync(`${this.#file}.new`, this.#file);
  }

  region(name: string): Region {
    return new Region(name, this.content);
  }

  get regions(): Region[] {
    return Object.keys(this.content.regions).map((name) => this.region(name));
  }
}

/** A region: one namespace for things of every kind. */
export class Region {
  readonly name: string;
  readonly #content: Content;

  constructor(name: string, content: Content) {
    this.name = name;
    this.#content = content;
    content.regions[name] ??= { things: {}, operations: [] };
  }

  get account(): Account {
    return this.#content.account;
  }

  get operations(): Operation[] {
    return this.#own.operations;
  }

  get bill(): Billed[] {
    return this.#content.bill;
  }

  /** A new thing's name, number and time; a name that any kind of thing bears, or that is none, is invalid. */
  base(kind: Kind, name: string): { name: string; arn: string; createdAt: number } {
    if (!nameForm.test(name))
      throw invalid(
        `${name} is not a valid resource name. Resource names must be at least 2 characters long and contain only alphanumerics, -, _, and .`,
      );
    if (this.#own.things[name]) throw invalid(`Some names are already in use: ${name}`);
    const arn = `arn:aws:lightsail:${this.name}:123456789012:${called[kind]}/${randomUUID()}`;
    return { name, arn, createdAt: Date.now() };
  }

  put(thing: Thing): void {
    this.#own.things[thing.name] = thing;
  }

  drop(name: string): void {
    delete this.#own.things[name];
  }

  all<K extends Kind>(kind: K): Extract<Thing, { kind: K }>[] {
    return Object.values(this.#own.things).filter((each): each is Extract<Thing, { kind: K }> => each.kind === kind);
  }

  /** A thing, or Lightsail's word that there is none. */
  get<K extends Kind>(kind: K, name: string): Extract<Thing, { kind: K }> {
    const found = this.all(kind).find((each) => each.name === name);
    if (!found || !isSeen(found)) throw missing(called[kind], name);
    return found;
  }

  /** Writes down that something was begun, or done. */
  note(
    resourceType: string,
    resourceName: string,
    operationType: string,
    status: Operation['status'],
    zone?: string,
  ): Operation {
    const base = { id: randomUUID(), resourceName, resourceType, operationType, createdAt: Date.now(), status };
    const noted = { ...base, ...(zone !== undefined && { zone }) };
    this.#own.operations.push(noted);
    return noted;
  }

  get #own(): Content['regions'][string] {
    return (this.#content.regions[this.name] ??= { things: {}, operations: [] });
  }
}

/** Whether Lightsail shows it: a machine comes late, and its name outlives it. */
export function isSeen(thing: Thing): boolean {
  return thing.kind !== 'Instance' || (thing.phase !== 'gone' && Date.now() >= thing.seenFrom);
}
