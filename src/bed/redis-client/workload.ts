/* workload.ts: what a workload is: a loop over one connection that keeps its own model, and a few
 * steps that all of them use. The loops are in mixed.ts, pairs.ts and bulk.ts.
 * The rule: a workload ends by itself soon after `isStopping`, with nothing unanswered. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection, Expectation, Request, Traffic } from './connection.js';
import { stringState, type KeyBook, type State } from './model.js';
import type { Random, ValuePool } from './random.js';
import { simple, type Argument, type Reply } from './resp.js';
import type { Shared } from './shared.js';

export interface Context {
  connection: Connection;
  /** Begins every key of this connection: no other writes them. */
  prefix: string;
  random: Random;
  values: ValuePool;
  book: KeyBook;
  shared: Shared;
  /** Upper bound of the pause between two requests. */
  thinkMs: number;
}

export interface Workload {
  kind: string;
  traffic: Traffic;
  run: (context: Context) => Promise<void>;
}

/** A pause as a user makes it, seeded. */
export async function think(context: Context): Promise<void> {
  if (context.thinkMs > 0) await delay(context.random.next() * context.thinkMs);
}

/** A request that changes a key: the model learns of it now and knows it for sure at the reply. */
export function writing(
  context: Context,
  args: readonly Argument[],
  expect: Expectation,
  key: string,
  next: State,
): Request {
  context.shared.knownKeys.add(key);
  const acknowledge = context.book.write(key, next);
  const onReply = () => {
    context.shared.writesAcknowledged++;
    acknowledge();
  };
  return { args, expect, onReply };
}

/** The same where only the reply tells what the key now is. */
export async function learning(
  context: Context,
  args: readonly Argument[],
  expect: Expectation,
  key: string,
  learn: (reply: Reply) => State,
): Promise<void> {
  context.shared.knownKeys.add(key);
  const acknowledge = context.book.write(key, { type: 'unknown' });
  const reply = await context.connection.call(args, expect);
  context.shared.writesAcknowledged++;
  acknowledge(learn(reply));
}

export function setting(context: Context, key: string, value: Buffer | string | number): Request {
  const args = ['SET', key, value];
  return writing(context, args, simple('OK'), key, stringState(value));
}

export function textOf(reply: Reply | undefined): string {
  if (reply?.kind === 'bulk') return reply.data?.toString('latin1') ?? '';
  return reply?.kind === 'simple' || reply?.kind === 'error' ? reply.text : '';
}
