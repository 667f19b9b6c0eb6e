/* pairs.ts: workloads where one connection waits for what another one does: a queue with BLPOP,
 * and a channel with two subscribers. What was sent must arrive, in order, exactly once.
 * The rule: the sender ends first, with a word that tells the receivers to end. */
import { setTimeout as delay } from 'node:timers/promises';
import { array, bulk, encodeReply, integer, type Reply } from './resp.js';
import { think, type Context } from './workload.js';

export const subscriberCount = 2;
const queueKey = 'pair:queue';
const channelName = 'pair:channel';
const lastWord = 'the end';

/** What is sent as number `index`: its length varies, its bytes follow from the number. */
function payload(index: number): string {
  return `${index}:${'abcdefghijklmnopqrstuvwxyz'.repeat(1 + (index % 9)).slice(index % 26)}`;
}

export async function pusher(context: Context): Promise<void> {
  context.shared.knownKeys.add(queueKey);
  const isLength = (reply: Reply) => {
    return reply.kind === 'integer' && reply.value >= 1 ? undefined : 'the length of the queue';
  };
  for (let index = 0; !context.shared.isStopping; index++) {
    await context.connection.call(['RPUSH', queueKey, payload(index)], isLength);
    context.shared.writesAcknowledged++;
    context.shared.pushed++;
    await delay(context.random.between(0, 10));
  }
  await context.connection.call(['RPUSH', queueKey, lastWord], isLength);
}

export async function waiter(context: Context): Promise<void> {
  for (let index = 0; ; index++) {
    let isLast = false;
    const exact = encodeReply(array([bulk(queueKey), bulk(payload(index))]));
    const end = encodeReply(array([bulk(queueKey), bulk(lastWord)]));
    await context.connection.call(['BLPOP', queueKey, 0], (_reply, raw) => {
      // The last word counts only when everything that was pushed before it has come.
      isLast = index >= context.shared.pushed && raw.equals(end);
      return isLast || raw.equals(exact) ? undefined : `item ${index} of the queue`;
    });
    if (isLast) return;
  }
}

export async function publisher(context: Context): Promise<void> {
  const { connection, shared } = context;
  const publish = (text: string) => {
    return connection.call(['PUBLISH', channelName, text], integer(subscriberCount));
  };
  while (!shared.isStopping) {
    await publish(payload(shared.published));
    shared.published++;
    await think(context);
  }
  await publish(lastWord);
}

/** The first step of a subscriber, done before any publisher starts. */
export async function subscribe(context: Context): Promise<void> {
  const expected = array([bulk('subscribe'), bulk(channelName), integer(1)]);
  await context.connection.call(['SUBSCRIBE', channelName], expected);
}

export async function subscriber(context: Context): Promise<void> {
  for (let index = 0; ; index++) {
    let isLast = false;
    const exact = messageOf(payload(index));
    const end = messageOf(lastWord);
    await context.connection.expect({
      args: [`(message ${index})`],
      expect: (_reply, raw) => {
        // The last word counts only when everything that was published before it has come.
        isLast = index >= context.shared.published && raw.equals(end);
        return isLast || raw.equals(exact) ? undefined : `message ${index} of the channel`;
      },
    });
    if (isLast) return;
  }
}

function messageOf(text: string): Buffer {
  return encodeReply(array([bulk('message'), bulk(channelName), bulk(text)]));
}
