/* mixed.ts: the workload of most connections: a seeded mixture of the commands people use, and of
 * the ones that only agree with the model if the backup saw the same time, the same random
 * numbers and the same order as the primary (SPOP, XADD *, TIME in a script).
 * The rule: every operation knows its reply beforehand, or can check it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Request } from './connection.js';
import { absent, stringState, type State } from './model.js';
import { array, bulk, integer, simple, type Reply } from './resp.js';
import { learning, setting, textOf, think, writing, type Context } from './workload.js';

const keysPerConnection = 40;
const listLimit = 60;
const streamLimit = 300;
const pipelineDepth = 16;
const mebibyte = 1024 * 1024;

type Operation = (context: Context) => Promise<unknown>;

/** Each operation with how often it comes, in parts of the whole. */
const operations: readonly [number, Operation][] = [
  [22, (context) => context.connection.send([reading(context)])],
  [22, (context) => context.connection.send([settingAny(context)])],
  [8, (context) => context.connection.send([incrementing(context)])],
  [8, (context) => context.connection.send([pushing(context)])],
  [6, rangeAndTrim],
  [8, pipeline],
  [6, transaction],
  [8, sharedIncrement],
  [5, (context) => context.connection.call(['TIME'], context.shared.time())],
  [3, setMortal],
  [3, readMortal],
  [2, randomKey],
  [3, scriptTime],
  [2, scriptRandom],
  [3, addMember],
  [2, popMember],
  [3, addToStream],
  [1, removeKey],
];
const parts = operations.reduce((sum, [weight]) => sum + weight, 0);

export async function mixed(context: Context): Promise<void> {
  const mortals = new Map<string, Mortal>();
  mortalsOf.set(context, mortals);
  while (!context.shared.isStopping) {
    await chooseOperation(context.random.next() * parts)(context);
    await think(context);
  }
}

/** Pipelines of 16 without a pause. */
export async function pipelined(context: Context): Promise<void> {
  while (!context.shared.isStopping) {
    await pipeline(context);
    await think(context);
  }
}

/** One value of 5 MB written and read back, again and again. */
export async function large(context: Context): Promise<void> {
  const key = `${context.prefix}large`;
  while (!context.shared.isStopping) {
    const value = context.values.value(context.random, 5 * mebibyte);
    await context.connection.send([setting(context, key, value)]);
    await think(context);
    await context.connection.call(['GET', key], bulk(value));
    await delay(50 + context.random.between(0, 100));
  }
}

function chooseOperation(point: number): Operation {
  let left = point;
  for (const [weight, operation] of operations) {
    left -= weight;
    if (left < 0) return operation;
  }
  return sharedIncrement;
}

function keyOf(context: Context, kind: string, count = keysPerConnection): string {
  return `${context.prefix}${kind}:${context.random.between(0, count - 1)}`;
}

function reading(context: Context): Request {
  const key = keyOf(context, 'string');
  const state = context.book.state(key);
  return { args: ['GET', key], expect: bulk(state.type === 'string' ? state.value : null) };
}

function settingAny(context: Context): Request {
  const { random, values } = context;
  const lenBytes = random.next() < 0.05 ? random.between(1024, 32_768) : random.between(0, 1024);
  return setting(context, keyOf(context, 'string'), values.value(random, lenBytes));
}

function incrementing(context: Context): Request {
  const key = keyOf(context, 'count', 4);
  const state = context.book.state(key);
  const next = (state.type === 'string' ? Number(state.value.toString()) : 0) + 1;
  return writing(context, ['INCR', key], integer(next), key, stringState(next));
}

function listItems(state: State): readonly Buffer[] {
  return state.type === 'list' ? state.items : [];
}

function pushing(context: Context): Request {
  const key = keyOf(context, 'list', 4);
  const item = context.values.value(context.random, context.random.between(1, 64));
  const items = [item, ...listItems(context.book.state(key))];
  const next: State = { type: 'list', items };
  return writing(context, ['LPUSH', key, item], integer(items.length), key, next);
}

async function rangeAndTrim(context: Context): Promise<void> {
  const key = keyOf(context, 'list', 4);
  const items = listItems(context.book.state(key));
  const expected = array(items.map((item) => bulk(item)));
  await context.connection.call(['LRANGE', key, 0, -1], expected);
  if (items.length <= listLimit) return;
  const kept: State = { type: 'list', items: items.slice(0, listLimit / 2) };
  const args = ['LTRIM', key, 0, listLimit / 2 - 1];
  await context.connection.send([writing(context, args, simple('OK'), key, kept)]);
}

async function pipeline(context: Context): Promise<void> {
  const makers = [reading, settingAny, incrementing, pushing];
  // Made in the order they are sent: each expectation builds upon the one before.
  const make = () => context.random.pick(makers)(context);
  await context.connection.send(Array.from({ length: pipelineDepth }, make));
}

async function transaction(context: Context): Promise<void> {
  const inner = [settingAny(context), incrementing(context), pushing(context)];
  const queued = inner.map(({ args }): Request => ({ args, expect: simple('QUEUED') }));
  const exec: Request = {
    args: ['EXEC'],
    expect: array(inner.map(({ expect }) => expect as Reply)),
    onReply: (reply) => inner.forEach(({ onReply }) => onReply?.(reply)),
  };
  await context.connection.send([{ args: ['MULTI'], expect: simple('OK') }, ...queued, exec]);
}

async function sharedIncrement(context: Context): Promise<void> {
  const counter = context.random.pick(context.shared.counters);
  const check = context.shared.increment(counter);
  await context.connection.call(['INCR', counter.key], check);
  context.shared.writesAcknowledged++;
}

async function randomKey(context: Context): Promise<void> {
  await context.connection.call(['RANDOMKEY'], (reply) => {
    if (reply.kind === 'bulk' && reply.data === null) return undefined; // nothing there yet
    return context.shared.knownKeys.has(textOf(reply)) ? undefined : 'a key that was written';
  });
}

/** A value that depends on the server's clock and must be found again later. */
async function scriptTime(context: Context): Promise<void> {
  const script = `local t = redis.call('TIME')
    redis.call('SET', KEYS[1], t[1] .. ':' .. t[2]); return t`;
  const key = keyOf(context, 'scripted', 4);
  await learning(context, ['EVAL', script, 1, key], context.shared.time(), key, (reply) => {
    const items = reply.kind === 'array' ? reply.items ?? [] : [];
    return stringState(items.map(textOf).join(':'));
  });
  await readScripted(context, key);
}

/** A value that depends on the server's random numbers and must be found again later. */
async function scriptRandom(context: Context): Promise<void> {
  const script = `local r = tostring(math.random(1000000000))
    redis.call('SET', KEYS[1], r); return r`;
  const key = keyOf(context, 'random', 4);
  const check = (reply: Reply) => (/^\d+$/.test(textOf(reply)) ? undefined : 'a number');
  await learning(context, ['EVAL', script, 1, key], check, key, (reply) => {
    return stringState(textOf(reply));
  });
  await readScripted(context, key);
}

async function readScripted(context: Context, key: string): Promise<void> {
  const state = context.book.state(key);
  const expected = state.type === 'string' ? state.value : null;
  await context.connection.call(['GET', key], bulk(expected));
}

function members(state: State): ReadonlySet<string> {
  return state.type === 'set' ? state.members : new Set();
}

async function addMember(context: Context): Promise<void> {
  const key = `${context.prefix}set`;
  const before = members(context.book.state(key));
  const member = `m${context.random.between(0, 400)}`;
  const next: State = { type: 'set', members: new Set([...before, member]) };
  const added = integer(before.has(member) ? 0 : 1);
  await context.connection.send([writing(context, ['SADD', key, member], added, key, next)]);
}

/** Redis chooses the member: primary and backup must have chosen the same. */
async function popMember(context: Context): Promise<void> {
  const key = `${context.prefix}set`;
  const before = members(context.book.state(key));
  if (before.size === 0) return;
  const check = (reply: Reply) => (before.has(textOf(reply)) ? undefined : 'a member of the set');
  await learning(context, ['SPOP', key], check, key, (reply) => {
    return { type: 'set', members: new Set([...before].filter((name) => name !== textOf(reply))) };
  });
}

/** Redis names the entry by its clock: the name must come after all names before. */
async function addToStream(context: Context): Promise<void> {
  const key = `${context.prefix}stream`;
  const state = context.book.state(key);
  const entries = state.type === 'stream' ? state.entries : [];
  if (entries.length >= streamLimit) {
    await context.connection.send([writing(context, ['DEL', key], integer(1), key, absent)]);
    return;
  }
  const value = `v${context.random.between(0, 1e9)}`;
  const last = entries.at(-1)?.id ?? '0-0';
  const check = (reply: Reply) => (isLater(textOf(reply), last) ? undefined : `later than ${last}`);
  await learning(context, ['XADD', key, '*', 'v', value], check, key, (reply) => {
    return { type: 'stream', entries: [...entries, { id: textOf(reply), value }] };
  });
}

function isLater(id: string, than: string): boolean {
  const [ms = 0, seq = 0] = id.split('-').map(Number);
  const [thanMs = 0, thanSeq = 0] = than.split('-').map(Number);
  return ms > thanMs || (ms === thanMs && seq > thanSeq);
}

async function removeKey(context: Context): Promise<void> {
  const key = keyOf(context, 'string');
  const wasThere = context.book.state(key).type === 'string' ? 1 : 0;
  await context.connection.send([writing(context, ['DEL', key], integer(wasThere), key, absent)]);
}

interface Mortal {
  value: Buffer;
  /** It cannot be gone before `earliestMs`, nor still be there after `latestMs`. */
  earliestMs: number;
  latestMs: number;
}

const mortalsOf = new WeakMap<Context, Map<string, Mortal>>();
/** Redis looks at its clock once per turn of its loop; and a takeover may shift it a little. */
const clockSlackMs = 100;

async function setMortal(context: Context): Promise<void> {
  const key = keyOf(context, 'mortal', 8);
  const value = context.values.value(context.random, 32);
  const lifeMs = context.random.between(200, 3000);
  context.shared.knownKeys.add(key);
  context.shared.mortalKeys.add(key);
  const sentMs = performance.now();
  mortalsOf.get(context)?.delete(key);
  await context.connection.call(['SET', key, value, 'PX', lifeMs], simple('OK'));
  context.shared.writesAcknowledged++;
  const earliestMs = sentMs + lifeMs - clockSlackMs;
  const latestMs = performance.now() + lifeMs + clockSlackMs;
  mortalsOf.get(context)?.set(key, { value, earliestMs, latestMs });
}

async function readMortal(context: Context): Promise<void> {
  const all = [...(mortalsOf.get(context) ?? [])];
  if (all.length === 0) return;
  const [key, mortal] = context.random.pick(all);
  const sentMs = performance.now();
  await context.connection.call(['GET', key], (reply, raw) => {
    if (reply.kind !== 'bulk') return 'a value or nil';
    const isRight = reply.data === null
      ? performance.now() >= mortal.earliestMs
      : sentMs <= mortal.latestMs && reply.data.equals(mortal.value);
    return isRight ? undefined : `right for its time to live (${raw.length} bytes came)`;
  });
}
