/* bulk.ts: workloads that keep a connection's stream full in one direction: values of 1 to 5 MB
 * up, or down. A kill falls into the middle of a transfer nearly always.
 * The rule: one transfer ends before the next begins, so that what is in flight is bounded. */
import { bulk } from './resp.js';
import { setting, think, type Context } from './workload.js';

const mebibyte = 1024 * 1024;
const keyCount = 3;

function largeValue(context: Context): Buffer {
  const lenBytes = context.random.between(mebibyte, 5 * mebibyte);
  return context.values.value(context.random, lenBytes);
}

export async function upload(context: Context): Promise<void> {
  while (!context.shared.isStopping) {
    const key = `${context.prefix}up:${context.random.between(0, keyCount - 1)}`;
    await context.connection.send([setting(context, key, largeValue(context))]);
    await think(context);
  }
}

export async function download(context: Context): Promise<void> {
  const stored = Array.from({ length: keyCount }, (_, index) => {
    return { key: `${context.prefix}down:${index}`, value: largeValue(context) };
  });
  for (const { key, value } of stored) {
    await context.connection.send([setting(context, key, value)]);
  }
  while (!context.shared.isStopping) {
    const { key, value } = context.random.pick(stored);
    await context.connection.call(['GET', key], bulk(value));
    await think(context);
  }
}
