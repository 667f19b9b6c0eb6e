// control.ts: control messages as objects: what may be in them (zod), and their Cap'n Proto bytes
// (capnp-ts). The rule: a peer's bytes are walked by validateTree before capnp-ts sees them, and
// what capnp-ts reads is parsed by the schema before anyone else sees it.

import { Message } from 'capnp-ts';
import { z } from 'zod';

import { ChannelError } from './errors.js';
import { CONTROL_MAX_BYTES, CONTROL_ROOT_HIGH } from './layout.js';
import * as wire from './message.capnp.gen.js';
import { validateTree } from './pointers.js';
import { viewOf } from './record.js';

const MAX_TEXT = 0x20000; // MAX_ARG_STRLEN: the longest argument Linux takes
const MAX_LIST = 0x10000;
const u32 = z.number().int().min(0).max(0xffffffff);
/** A u64 that is a count: a JavaScript number as long as it is exact. */
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
/** A u64 of any value. In JSON (the log's meta.json) a decimal string. */
const u64 = z
  .union([z.bigint(), z.string().regex(/^\d{1,20}$/).transform(BigInt)])
  .refine((n) => n >= 0n && n <= 0xffffffffffffffffn, 'not a 64-bit number');
const text = z.string().max(MAX_TEXT);
const texts = z.array(text).max(MAX_LIST);

export const roleSchema = z.enum(['either', 'primary', 'backup']);
export type Role = z.infer<typeof roleSchema>;
const commitSchema = z.enum(['async', 'logged', 'verified']);
const filesSchema = z.enum(['mirrored', 'carried']);

export const helloSchema = z.object({
  version: u32,
  tableHash: z.string().min(1).max(256),
  role: roleSchema,
  name: z.string().max(256),
  features: z.array(z.string().max(64)).max(256),
  instance: u64,
  nextSeq: count,
});
/** The first message of each side. `nextSeq` 0: the sender has no record yet. */
export type Hello = z.infer<typeof helloSchema>;

export const manifestSchema = z.object({
  seed: u64,
  hostname: z.string().max(64),
  vip: z.string().max(64),
  prefix: z.number().int().min(0).max(128),
  commit: commitSchema,
  files: filesSchema,
  ringBytes: count,
  executables: z
    .array(z.object({ path: text, size: count, mtimeNs: u64, hash: z.string().max(256) }))
    .max(MAX_LIST),
});
export type Manifest = z.infer<typeof manifestSchema>;

export const processSchema = z.object({
  argv: texts,
  envp: texts,
  cwd: text,
  uid: u32,
  gid: u32,
  euid: u32,
  egid: u32,
  umask: u32,
  startRealNs: u64,
  limits: z.array(z.object({ resource: u32, soft: u64, hard: u64 })).max(64),
});
/** How the primary's program was started, so that the backup's starts equal. */
export type ProcessStart = z.infer<typeof processSchema>;

const controlSchema = z.discriminatedUnion('kind', [
  helloSchema.extend({ kind: z.literal('hello') }),
  z.object({ kind: z.literal('role'), role: roleSchema, generation: count }),
  manifestSchema.extend({ kind: z.literal('manifest') }),
  processSchema.extend({ kind: z.literal('process') }),
  z.object({
    kind: z.literal('watermark'),
    received: count,
    replayed: count,
    receivedSeq: count,
    replayedSeq: count,
  }),
  z.object({ kind: z.literal('keepalive'), n: count }),
  z.object({
    kind: z.literal('divergence'),
    seq: count,
    row: u32,
    pid: u32,
    tid: u32,
    expected: text,
    got: text,
  }),
  z.object({ kind: z.literal('stop'), reason: text }),
  z.object({ kind: z.literal('caughtUp'), seq: count }),
  z.object({ kind: z.literal('goodbye') }),
  z.object({ kind: z.literal('refused'), reason: text }),
  z.object({ kind: z.literal('openings'), slots: z.instanceof(Uint8Array) }),
  z.object({ kind: z.literal('known'), count }),
]);
/** Every message that is not a record. */
export type Control = z.infer<typeof controlSchema>;
export type ControlKind = Control['kind'];

const roles = roleSchema.options;
const commits = commitSchema.options;
const modes = filesSchema.options;

/** The bytes of a control message with its framing word. Throws a ZodError on a wrong field. */
export function encodeControl(control: Control): Uint8Array {
  const checked = controlSchema.parse(control);
  const message = new Message();
  fill(message.initRoot(wire.Control), checked);
  const bytes = new Uint8Array(message.toArrayBuffer());
  if (bytes.length > CONTROL_MAX_BYTES) {
    throw new RangeError(`control message ${control.kind} of ${bytes.length} bytes is too large`);
  }
  return bytes;
}

function fill(root: wire.Control, control: Control): void {
  switch (control.kind) {
    case 'hello':
      return fillHello(root.initHello(), control);
    case 'role': {
      const to = root.initRole();
      to.setRole(roles.indexOf(control.role));
      return to.setGeneration(BigInt(control.generation));
    }
    case 'manifest':
      return fillManifest(root.initManifest(), control);
    case 'process':
      return fillProcess(root.initProcess(), control);
    case 'watermark': {
      const to = root.initWatermark();
      to.setReceived(BigInt(control.received));
      to.setReplayed(BigInt(control.replayed));
      to.setReceivedSeq(BigInt(control.receivedSeq));
      return to.setReplayedSeq(BigInt(control.replayedSeq));
    }
    case 'keepalive':
      return root.setKeepalive(BigInt(control.n));
    case 'divergence': {
      const to = root.initDivergence();
      to.setSeq(BigInt(control.seq));
      to.setRow(control.row);
      to.setPid(control.pid);
      to.setTid(control.tid);
      to.setExpected(control.expected);
      return to.setGot(control.got);
    }
    case 'stop':
      return root.setStop(control.reason);
    case 'caughtUp':
      return root.setCaughtUp(BigInt(control.seq));
    case 'goodbye':
      return root.setGoodbye();
    case 'refused':
      return root.setRefused(control.reason);
    case 'openings':
      return root.initOpenings(control.slots.length).copyBuffer(control.slots);
    case 'known':
      return root.setKnown(BigInt(control.count));
  }
}

function fillHello(to: wire.Hello, hello: Hello): void {
  to.setVersion(hello.version);
  to.setTableHash(hello.tableHash);
  to.setRole(roles.indexOf(hello.role));
  to.setName(hello.name);
  const features = to.initFeatures(hello.features.length);
  hello.features.forEach((feature, i) => features.set(i, feature));
  to.setInstance(hello.instance);
  to.setNextSeq(BigInt(hello.nextSeq));
}

function fillManifest(to: wire.Manifest, manifest: Manifest): void {
  to.setSeed(manifest.seed);
  to.setHostname(manifest.hostname);
  to.setVip(manifest.vip);
  to.setPrefix(manifest.prefix);
  to.setCommit(commits.indexOf(manifest.commit));
  to.setFiles(modes.indexOf(manifest.files));
  to.setRingBytes(BigInt(manifest.ringBytes));
  const list = to.initExecutables(manifest.executables.length);
  manifest.executables.forEach(({ path, size, mtimeNs, hash }, i) => {
    const entry = list.get(i);
    entry.setPath(path);
    entry.setSize(BigInt(size));
    entry.setMtimeNs(mtimeNs);
    entry.setHash(hash);
  });
}

function fillProcess(to: wire.Process, process: ProcessStart): void {
  const argv = to.initArgv(process.argv.length);
  process.argv.forEach((value, i) => argv.set(i, value));
  const envp = to.initEnvp(process.envp.length);
  process.envp.forEach((value, i) => envp.set(i, value));
  to.setCwd(process.cwd);
  to.setUid(process.uid);
  to.setGid(process.gid);
  to.setEuid(process.euid);
  to.setEgid(process.egid);
  to.setUmask(process.umask);
  to.setStartRealNs(process.startRealNs);
  const limits = to.initLimits(process.limits.length);
  process.limits.forEach(({ resource, soft, hard }, i) => {
    const entry = limits.get(i);
    entry.setResource(resource);
    entry.setSoft(soft);
    entry.setHard(hard);
  });
}

/**
 * Reads the bytes of one control message (framing word included), as the splitter hands them on.
 * Throws ChannelError `bad-control` for anything that is not exactly one of the messages above.
 */
export function decodeControl(bytes: Uint8Array): Control {
  try {
    const problem = validateTree(viewOf(bytes), CONTROL_ROOT_HIGH);
    if (problem !== undefined) throw new RangeError(problem);
    // capnp-ts copies from a view; a view of shared memory it refuses.
    const message = new Message(bytes, false);
    return controlSchema.parse(read(message.getRoot(wire.Control)));
  } catch (cause) {
    const what = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new ChannelError(
      'bad-control',
      `the peer sent a control message that is none (${what.replaceAll('\n', ' ')}): ` +
        'the connection is closed',
      { cause },
    );
  }
}

/** Plain fields; the schema judges their values, so an enum out of range becomes undefined. */
function read(root: wire.Control): unknown {
  switch (root.which()) {
    case wire.Control_Which.HELLO:
      return readHello(root.getHello());
    case wire.Control_Which.ROLE: {
      const from = root.getRole();
      const generation = Number(from.getGeneration());
      return { kind: 'role', role: roles[from.getRole()], generation };
    }
    case wire.Control_Which.MANIFEST:
      return readManifest(root.getManifest());
    case wire.Control_Which.PROCESS:
      return readProcess(root.getProcess());
    case wire.Control_Which.WATERMARK: {
      const from = root.getWatermark();
      return {
        kind: 'watermark',
        received: Number(from.getReceived()),
        replayed: Number(from.getReplayed()),
        receivedSeq: Number(from.getReceivedSeq()),
        replayedSeq: Number(from.getReplayedSeq()),
      };
    }
    case wire.Control_Which.KEEPALIVE:
      return { kind: 'keepalive', n: Number(root.getKeepalive()) };
    case wire.Control_Which.DIVERGENCE: {
      const from = root.getDivergence();
      return {
        kind: 'divergence',
        seq: Number(from.getSeq()),
        row: from.getRow(),
        pid: from.getPid(),
        tid: from.getTid(),
        expected: from.getExpected(),
        got: from.getGot(),
      };
    }
    case wire.Control_Which.STOP:
      return { kind: 'stop', reason: root.getStop() };
    case wire.Control_Which.CAUGHT_UP:
      return { kind: 'caughtUp', seq: Number(root.getCaughtUp()) };
    case wire.Control_Which.GOODBYE:
      return { kind: 'goodbye' };
    case wire.Control_Which.REFUSED:
      return { kind: 'refused', reason: root.getRefused() };
    case wire.Control_Which.OPENINGS:
      return { kind: 'openings', slots: root.getOpenings().toUint8Array() };
    case wire.Control_Which.KNOWN:
      return { kind: 'known', count: Number(root.getKnown()) };
  }
  return { kind: `number ${String(root.which())}` };
}

function readHello(from: wire.Hello): unknown {
  return {
    kind: 'hello',
    version: from.getVersion(),
    tableHash: from.getTableHash(),
    role: roles[from.getRole()],
    name: from.getName(),
    features: from.getFeatures().toArray(),
    instance: from.getInstance(),
    nextSeq: Number(from.getNextSeq()),
  };
}

function readManifest(from: wire.Manifest): unknown {
  return {
    kind: 'manifest',
    seed: from.getSeed(),
    hostname: from.getHostname(),
    vip: from.getVip(),
    prefix: from.getPrefix(),
    commit: commits[from.getCommit()],
    files: modes[from.getFiles()],
    ringBytes: Number(from.getRingBytes()),
    executables: from.getExecutables().map((entry) => ({
      path: entry.getPath(),
      size: Number(entry.getSize()),
      mtimeNs: entry.getMtimeNs(),
      hash: entry.getHash(),
    })),
  };
}

function readProcess(from: wire.Process): unknown {
  return {
    kind: 'process',
    argv: from.getArgv().toArray(),
    envp: from.getEnvp().toArray(),
    cwd: from.getCwd(),
    uid: from.getUid(),
    gid: from.getGid(),
    euid: from.getEuid(),
    egid: from.getEgid(),
    umask: from.getUmask(),
    startRealNs: from.getStartRealNs(),
    limits: from.getLimits().map((entry) => ({
      resource: entry.getResource(),
      soft: entry.getSoft(),
      hard: entry.getHard(),
    })),
  };
}
