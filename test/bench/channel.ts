// channel.ts: what the channel costs, part by part, each beside what the same work costs without
// it. Prints JSON lines like the other benchmarks: value and native are medians of the runs.
// Run with: node --import tsx test/bench/channel.ts [runs]

import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect as tlsConnect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { Message } from 'capnp-ts';

import { decodeControl, encodeControl } from '../../src/channel/control.js';
import { FrameSplitter } from '../../src/channel/framing.js';
import { LogWriter, connect, type Channel } from '../../src/channel/index.js';
import { RECORD } from '../../src/channel/layout.js';
import { Record as WireRecord } from '../../src/channel/message.capnp.gen.js';
import { newScan, scanRecords, viewOf } from '../../src/channel/record.js';
import { Reorder } from '../../src/channel/reorder.js';
import { decodeFrequent, encodeWatermark } from '../../src/channel/frequent.js';
import { START } from '../unit/channel/log-start.js';
import { hello } from '../unit/channel/pair.js';
import { makeRun, seeded } from '../unit/channel/records.js';

const RUNS = Number(process.argv[2] ?? 5);
const COUNT = 100000;
const PSK = createHmac('sha256', 'bench').digest();
const RUN = Buffer.from(makeRun(1, COUNT, seeded(1)).bytes.buffer);
const INFO = { records: COUNT, firstSeq: 1, lastSeq: COUNT };

type Measure = () => number | Promise<number>;

/** Runs both in turns, so that a busy machine slows both, and prints the line. */
async function report(
  subject: string,
  metric: string,
  unit: string,
  measure: Measure,
  native: Measure,
): Promise<void> {
  await measure();
  await native();
  const [values, natives]: [number[], number[]] = [[], []];
  for (let run = 0; run < RUNS; run++) {
    values.push(await measure());
    natives.push(await native());
  }
  const value = median(values);
  const base = median(natives);
  const round = (n: number) => Number(n.toPrecision(4));
  const figures = { value: round(value), unit, native: round(base), ratio: round(value / base) };
  console.log(JSON.stringify({ bench: 'channel', subject, metric, ...figures, runs: RUNS }));
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

/** Times per second of processor time: what others do on the machine does not count. */
function perSecond(count: number, act: () => void): number {
  const before = process.cpuUsage();
  act();
  const { user, system } = process.cpuUsage(before);
  return (count / (user + system)) * 1e6;
}

function inChunks(bytes: Uint8Array, size: number, take: (chunk: Uint8Array) => void): void {
  for (let at = 0; at < bytes.length; at += size) take(bytes.subarray(at, at + size));
}

async function benchCodec(): Promise<void> {
  const view = viewOf(RUN);
  const scan = newScan();
  const capnpTs = () =>
    perSecond(COUNT / 10, () => {
      let at = 0;
      for (let i = 0; i < COUNT / 10; i++) {
        const size = (view.getUint32(at + RECORD.words, true) + 1) * 8;
        new Message(RUN.subarray(at, at + size), false).getRoot(WireRecord).getSeq();
        at += size;
      }
    });
  await report('scan, native capnp-ts', 'records', '1/cpu s', () =>
    perSecond(COUNT * 10, () => {
      for (let i = 0; i < 10; i++) scanRecords(view, 0, RUN.length, scan);
    }), capnpTs);
  await report('split and reorder 16 KiB chunks, native capnp-ts', 'records', '1/cpu s', () =>
    perSecond(COUNT * 5, () => {
      for (let i = 0; i < 5; i++) {
        const reorder = new Reorder(() => {}, 1);
        const push = reorder.push.bind(reorder);
        const splitter = new FrameSplitter(push, () => {});
        inChunks(RUN, 16384, (chunk) => splitter.push(chunk));
      }
    }), capnpTs);
  const mark = { received: 2 ** 40, replayed: 2 ** 39, receivedSeq: 2 ** 33, replayedSeq: 5 };
  await report('watermark there and back, native capnp-ts', 'messages', '1/cpu s', () =>
    perSecond(50000, () => {
      for (let i = 0; i < 50000; i++) decodeFrequent(viewOf(encodeWatermark(mark)));
    }), () =>
    perSecond(5000, () => {
      for (let i = 0; i < 5000; i++) decodeControl(encodeControl({ kind: 'watermark', ...mark }));
    }));
}

async function benchLog(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'hotswap-bench-'));
  let made = 0;
  const mebibytes = (act: () => void) => perSecond((RUN.length * 5) / 2 ** 20, act);
  try {
    await report('log, native write(2) of 1 MiB', 'bytes', 'MiB/cpu s', () => {
      const log = LogWriter.create(join(dir, String(made++)), START);
      try {
        return mebibytes(() => {
          for (let i = 0; i < 5; i++) {
            inChunks(RUN, 16384, (chunk) => log.append(chunk, 0, chunk.length, INFO));
          }
          log.flush();
        });
      } finally {
        log.close();
        rmSync(log.dir, { recursive: true });
      }
    }, () => {
      const file = join(dir, 'native');
      const fd = openSync(file, 'w');
      try {
        return mebibytes(() => {
          for (let i = 0; i < 5; i++) inChunks(RUN, 2 ** 20, (chunk) => writeSync(fd, chunk));
        });
      } finally {
        closeSync(fd);
        rmSync(file);
      }
    });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** The peer's process: an engine's end (`channel`), or the bare TLS stream (`native`). */
async function startPeer(mode: string): Promise<{ port: number; stop: () => void }> {
  const script = fileURLToPath(new URL('./channel-peer.ts', import.meta.url));
  const argv = ['--import', 'tsx', script, mode, PSK.toString('hex')];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { port: Number(port), stop: () => child.kill('SIGKILL') };
}

/** One end of a stream to the peer: `send` resolves when the peer has answered for all of it. */
interface Link {
  send(bytes: Buffer): Promise<void>;
  close(): void;
}

async function channelLink(port: number): Promise<Link> {
  let answered = () => {};
  let sent = 0;
  const channel: Channel = await connect(
    { host: '127.0.0.1', port, key: PSK, hello: hello() },
    () => ({
      onControl: (control) => {
        if (control.kind === 'watermark' && control.received === sent) answered();
      },
    }),
  );
  return {
    send: (bytes) =>
      new Promise((resolve) => {
        answered = resolve;
        sent += bytes.length;
        inChunks(bytes, 0x40000, (chunk) => channel.send(chunk));
      }),
    close: () => channel.destroy(),
  };
}

async function nativeLink(port: number): Promise<Link> {
  let answered = () => {};
  let sent = 0;
  const socket = tlsConnect({
    host: '127.0.0.1',
    port,
    minVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_128_GCM_SHA256',
    pskCallback: () => ({ psk: PSK, identity: 'hotswap' }),
    checkServerIdentity: () => undefined,
  });
  socket.setNoDelay(true);
  await once(socket, 'secureConnect');
  socket.on('data', (bytes: Buffer) => {
    if (bytes.length >= 8 && Number(bytes.readBigUInt64LE(bytes.length - 8)) === sent) answered();
  });
  return {
    send: (bytes) =>
      new Promise((resolve) => {
        answered = resolve;
        sent += bytes.length;
        inChunks(bytes, 0x40000, (chunk) => socket.write(chunk));
      }),
    close: () => socket.destroy(),
  };
}

/** Numbers the records of the run anew, so that a second sending is no repetition. */
class Numbered {
  readonly #offsets: number[] = [];
  readonly bytes = Buffer.from(RUN);
  #seq = 1;

  constructor() {
    for (let at = 0; at < RUN.length; at += (RUN.readUInt32LE(at + RECORD.words) + 1) * 8) {
      this.#offsets.push(at);
    }
  }

  /** The next `count` records, at most COUNT. */
  next(count: number): Buffer {
    for (let i = 0; i < count; i++) {
      this.bytes.writeUInt32LE(this.#seq++, this.#offsets[i]! + RECORD.seq);
    }
    return this.bytes.subarray(0, this.#offsets[count] ?? this.bytes.length);
  }
}

interface Stream {
  link: Link;
  records: Numbered;
}

/** MiB a second until the peer has answered for all. */
async function throughput({ link, records }: Stream): Promise<number> {
  const bytes = records.next(COUNT);
  const began = performance.now();
  await link.send(bytes);
  return (bytes.length / 2 ** 20 / (performance.now() - began)) * 1000;
}

/** Microseconds from one record to its answer, the median of a thousand. */
async function roundTrip({ link, records }: Stream): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 1000; i++) {
    const bytes = records.next(1);
    const began = performance.now();
    await link.send(bytes);
    times.push((performance.now() - began) * 1000);
  }
  return median(times);
}

async function benchStream(): Promise<void> {
  const peers = [await startPeer('channel'), await startPeer('native')];
  const links: Link[] = [];
  try {
    links.push(await channelLink(peers[0]!.port), await nativeLink(peers[1]!.port));
    // Numbers of its own for each link: a gap would be waited for.
    const [ours, native] = links.map((link) => ({ link, records: new Numbered() }));
    await report('stream, native bare TLS', 'bytes', 'MiB/s', () => throughput(ours!), () =>
      throughput(native!));
    await report('record to watermark, native bare TLS', 'p50', 'us', () => roundTrip(ours!), () =>
      roundTrip(native!));
  } finally {
    for (const link of links) link.close();
    for (const peer of peers) peer.stop();
  }
}

await benchCodec();
await benchLog();
await benchStream();
