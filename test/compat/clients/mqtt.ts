/* mqtt.ts: an MQTT 3.1.1 client: publishes with QoS 1 to its neighbour's topic, and acknowledges
 * what its other neighbour publishes. The rule: an exchange is done when the broker has confirmed
 * the message and the neighbour has got it, whole, once, and in its turn. */
import { deferred, type Deferred } from '../../../src/bed/deferred.js';
import type { Session, SessionContext } from '../program.js';
import { randomBody } from './http.js';
import { check, Mismatch, same, type Wire } from './wire.js';

const packet = { connect: 0x10, publish: 0x32, puback: 0x40, subscribe: 0x82, disconnect: 0xe0 };

interface Message {
  payload: Buffer;
  delivered: Deferred<void>;
}

const text = (value: string): Buffer =>
  Buffer.concat([uint16(Buffer.byteLength(value)), Buffer.from(value)]);

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function framed(type: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  let rest = body.length;
  do {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return Buffer.concat([Buffer.from([type, ...length]), body]);
}

async function readPacket(wire: Wire): Promise<{ type: number; body: Buffer }> {
  const type = (await wire.bytes(1))[0]!;
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = (await wire.bytes(1))[0]!;
    length |= (byte & 0x7f) << shift;
    if ((byte & 0x80) === 0) break;
    if (shift > 21) throw new Mismatch('a length of more than four bytes');
  }
  return { type, body: await wire.bytes(length) };
}

/** What is under way to a topic, in order. */
function underWay({ shared }: SessionContext, topic: string): Message[] {
  const queue = (shared.get(topic) ?? []) as Message[];
  shared.set(topic, queue);
  return queue;
}

class MqttSession implements Session {
  acknowledged = 0;
  private nextId = 1;
  private readonly confirmations = new Map<number, Deferred<void>>();
  private failure: Error | undefined;
  private isClosed = false;

  constructor(
    private readonly context: SessionContext, private readonly wire: Wire,
    private readonly own: string, private readonly neighbour: string,
  ) {
    void this.listen();
  }

  async exchange(): Promise<void> {
    if (this.failure) throw this.failure;
    const { random } = this.context;
    const id = this.nextId;
    this.nextId = (id % 65_535) + 1;
    const payload = randomBody(this.context, random.next() < 0.02 ? 50_000
      : random.between(4, 600));
    const message: Message = { payload, delivered: deferred<void>() };
    message.delivered.promise.catch(() => undefined);
    const confirmation = deferred<void>();
    this.confirmations.set(id, confirmation);
    underWay(this.context, this.neighbour).push(message);
    this.wire.write(framed(packet.publish, text(this.neighbour), uint16(id), payload));
    await Promise.all([confirmation.promise, message.delivered.promise]);
    this.acknowledged++;
  }

  close(): void {
    this.isClosed = true;
    this.wire.write(framed(packet.disconnect));
    this.wire.close();
  }

  private async listen(): Promise<void> {
    try {
      for (;;) this.onPacket(await readPacket(this.wire));
    } catch (error) {
      if (this.isClosed) return;
      this.failure = error instanceof Error ? error : new Error(String(error));
      for (const { reject } of this.confirmations.values()) reject(this.failure);
      for (const { delivered } of underWay(this.context, this.own)) delivered.reject(this.failure);
    }
  }

  private onPacket({ type, body }: { type: number; body: Buffer }): void {
    if (type === packet.puback) {
      const id = body.readUInt16BE(0);
      const confirmation = this.confirmations.get(id);
      check(confirmation !== undefined, 'a confirmation of something published', id);
      this.confirmations.delete(id);
      confirmation?.resolve();
      return;
    }
    check(type === packet.publish, 'a message, with QoS 1, for the first time', type);
    const topicEnd = 2 + body.readUInt16BE(0);
    same(body.subarray(2, topicEnd), Buffer.from(this.own), 'the topic');
    const message = underWay(this.context, this.own).shift();
    if (!message) throw new Mismatch('a message that nobody published, or for the second time');
    same(body.subarray(topicEnd + 2), message.payload, 'the payload');
    this.wire.write(framed(packet.puback, body.subarray(topicEnd, topicEnd + 2)));
    message.delivered.resolve();
  }
}

/** A client of a ring of `clients`; one that comes and goes writes to itself. */
export async function mqttClient(context: SessionContext, clients: number): Promise<Session> {
  const { index, random } = context;
  const wire = await context.wire();
  const isKept = index >= 0;
  const own = isKept ? `ring/${index}` : `own/${-index}/${random.between(0, 1e9)}`;
  const neighbour = isKept ? `ring/${(index + 1) % clients}` : own;
  const name = own.replaceAll('/', '-');
  wire.write(framed(packet.connect, text('MQTT'), Buffer.from([4, 2]), uint16(600), text(name)));
  await wire.expect(Buffer.from([0x20, 2, 0, 0]), 'CONNACK');
  wire.write(framed(packet.subscribe, uint16(1), text(own), Buffer.from([1])));
  await wire.expect(Buffer.from([0x90, 3, 0, 1, 1]), 'SUBACK');
  return new MqttSession(context, wire, own, neighbour);
}
