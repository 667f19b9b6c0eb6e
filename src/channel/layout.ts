// layout.ts: shim/ring.h as TypeScript sees it: offsets, sizes and constants, by the C names.
// Written by hand; test/unit/channel/layout.test.ts compiles a C program against shim/ring.h and
// compares every value here, so the two cannot drift apart. Whoever changes one changes the other
// and HS_VERSION.

export const HS_MAGIC = 0x70617753746f48n; // "HotSwap"
export const HS_VERSION = 14;

export const HS_CONTROL_OFFSET = 0x0;
export const HS_SLOTS_OFFSET = 0x10000;
export const HS_MAX_SLOTS = 4096;
export const HS_GROUPS_OFFSET = 0x50000;
export const HS_MAX_GROUPS = 4096;
export const HS_TIDMAP_OFFSET = 0x100000;
export const HS_MAX_TID = 0x400000;
export const HS_TSC_OFFSET = 0x900000;
export const HS_CONNS_OFFSET = 0x1000000;
export const HS_MAX_CONNS = 65536;
export const HS_FILES_OFFSET = 0x3000000;
export const HS_MAX_FILES = 65536;
export const HS_INODES_OFFSET = 0x3200000;
export const HS_MAX_INODES = 65536;
export const HS_INODE_BYTES = 32;
export const HS_OPENINGS_OFFSET = 0x3600000;
export const HS_MAX_OPENINGS = 16384;
export const HS_OPENING_WAYS = 8;
export const HS_VIEWS_OFFSET = 0x3700000;
export const HS_MAX_VIEWS = 65536;
export const HS_PASSED_OFFSET = 0x3800000;
export const HS_MAX_PASSED = 16384;
export const HS_TERMINALS_OFFSET = 0x3900000;
export const HS_MAX_TERMINALS = 4096;
export const HS_RING_OFFSET = 0x4000000;
export const HS_RING_DEFAULT_BYTES = 0x4000000;
export const HS_ARENA_OFFSET = 0x100000000;
export const HS_CHUNK_BYTES = 0x10000;
export const HS_ARENA_CHUNKS = 65536;
export const HS_SESSION_BYTES = 0x200000000;

export const HS_RECORD_BYTES = 64;
export const HS_MAX_RECORD_BYTES = 0x1000000;
export const HS_ROOT_POINTER = 0x0001000500000000n;
export const HS_METHOD_ROW = 0xffff;
export const HS_METHOD_SIGNAL_FOLLOWS = 0x10000;
export const HS_METHOD_YIELDED = 0x20000;
export const HS_METHOD_AHEAD = 0x40000;
export const HS_METHOD_COMPARE = 0x80000;
export const HS_METHOD_GROUP_SHIFT = 20;
export const HS_PIECE_BYTES = 0x400000;
export const HS_EVENT_BASE = 0x200;
export const HS_TURN_FREE = 0xffffffff;

export const HS_SPLIT_NONE = 0;
export const HS_SPLIT_GROUPS = 1;
export const HS_SPLIT_THREADS = 2;
export const HS_MODE_RECORD = 1;
export const HS_MODE_REPLAY = 2;
export const HS_MODE_LIVE = 3;
export const HS_COMMIT_ASYNC = 0;
export const HS_COMMIT_LOGGED = 1;
export const HS_COMMIT_VERIFIED = 2;
export const HS_FILES_MIRRORED = 0;
export const HS_FILES_CARRIED = 1;
export const HS_END_OPEN = 0;
export const HS_END_GO_LIVE = 1;
export const HS_END_STOP = 2;
export const HS_FLAG_TAKEOVER = 1;
export const HS_FLAG_MEMORY = 2;
export const HS_FLAG_FAST_CLOCK = 4;
export const HS_FLAG_PROTECTED = 8;
export const HS_FLAG_REFUSE = 16;
export const HS_FLAG_SESSION = 32;
export const HS_FLAG_PARALLEL = 64;
export const HS_FLAG_EVIDENCE = 128;
export const HS_VIEW_MAPPED = 1;
export const HS_VIEW_WRITTEN = 2;

/** The high half of HS_ROOT_POINTER: struct of 5 data words and 1 pointer. The low half is 0. */
export const RECORD_ROOT_HIGH = 0x00010005;
/** The same for a control message: 2 data words and 1 pointer. */
export const CONTROL_ROOT_HIGH = 0x00010002;
/** A control message in full: framing word, root pointer, 2 data words, 1 pointer. */
export const CONTROL_MIN_BYTES = 40;
/** Enough for a manifest of thousands of files and any environment Linux lets a program have. */
export const CONTROL_MAX_BYTES = 0x400000;

/** Offsets in struct hs_record. */
export const RECORD = {
  segments: 0,
  words: 4,
  root: 8,
  method: 16,
  pid: 20,
  seq: 24,
  tid: 32,
  object: 36,
  result: 40,
  check: 48,
  data: 56,
} as const;

/** Offsets in struct hs_control. 64-bit fields are eight-aligned, 32-bit ones four-aligned. */
export const CONTROL = {
  magic: 0,
  version: 8,
  table: 12,
  mode: 16,
  commit: 20,
  files: 24,
  flags: 28,
  ringBytes: 32,
  seed: 40,

  head: 64,
  headSeq: 72,
  dataSleeping: 80,
  dataWord: 84,

  tail: 128,
  tailSeq: 136,
  spaceSleeping: 144,
  spaceWord: 148,

  received: 192,
  replayed: 200,
  released: 208,
  releasedSleeping: 216,
  releasedWord: 220,

  end: 256,
  started: 260,
  live: 264,
  failure: 268,
  maxLagBytes: 272,
  liveNs: 280,
  deadNs: 288,
  restoredNs: 296,
  firstByteNs: 304,
  compareAsked: 312,

  order: 384,
  split: 408,
  turn: 412,
  groups: 416,
  together: 420,
  gathering: 424,
  groupHint: 428,
  slots: 432,
  threads: 436,
  processes: 440,
  arenaLock: 444,
  arenaFree: 448,
  arenaUsed: 452,
  connLock: 456,

  calls: 512,
  traps: 520,
  sites: 528,
  slowSites: 536,
  signals: 544,
  timeReads: 552,
  tscReads: 560,
  forks: 568,
  execs: 576,
  threadsMade: 584,
  processesMade: 592,
  outputBytes: 600,
  outputHeldMax: 608,
  connsMade: 616,
  connsRestored: 624,
  connsLost: 632,
  memoryBytes: 640,
  memoryProcesses: 648,
  memoryUnequal: 656,
  warnings: 664,
  unknownCalls: 672,
  preemptions: 680,
  memoryChecks: 688,
  memoryCheckBytes: 696,
  memoryCheckSeq: 704,
  groupsMade: 712,

  divergence: 1024,
  sentence: 2048,
  hostname: 2560,
  uid: 3072,
  euid: 3076,
  gid: 3080,
  egid: 3084,
  startRealNs: 3096,
  lastRealNs: 3104,
  lastMonotonicNs: 3112,
  offsetRealNs: 3120,
  offsetMonotonicNs: 3128,
  estimateNs: 3136,
  estimated: 3144,
  rowCalls: 4096,
  kernelCalls: 7168,
} as const;

/** Offsets in struct hs_divergence, itself at CONTROL.divergence. */
export const DIVERGENCE = {
  set: 0,
  row: 4,
  pid: 8,
  tid: 12,
  seq: 16,
  expected: 24,
  got: 512,
} as const;

/** Offsets in struct hs_slot, of what the engine may look at. */
export const SLOT = { go: 0, waiting: 4, tid: 8, pid: 12, state: 16 } as const;

/** Sizes in bytes of the structs and of the arrays inside them. */
export const SIZES = {
  record: 64,
  control: 9216,
  slot: 64,
  divergence: 1024,
  divergenceExpected: 488,
  divergenceGot: 512,
  sentence: 512,
  hostname: 64,
  rowCalls: 0xc00,
  kernelCalls: 0x800,
} as const;

/** Names of the counters at CONTROL.calls and after, each a u64, in order. */
export const COUNTERS = [
  'calls', 'traps', 'sites', 'slowSites', 'signals', 'timeReads', 'tscReads', 'forks', 'execs',
  'threadsMade', 'processesMade', 'outputBytes', 'outputHeldMax', 'connsMade', 'connsRestored',
  'connsLost', 'memoryBytes', 'memoryProcesses', 'memoryUnequal', 'warnings', 'unknownCalls',
  'preemptions', 'memoryChecks', 'memoryCheckBytes', 'memoryCheckSeq', 'groupsMade',
] as const;
