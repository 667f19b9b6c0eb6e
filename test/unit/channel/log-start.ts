// log-start.ts: a start for the logs of tests.

import type { NewLogMeta } from '../../../src/channel/index.js';

export const START: NewLogMeta = {
  version: 1,
  tableHash: 'table',
  manifest: {
    seed: 0xfedcba9876543210n,
    hostname: 'alpha',
    vip: '',
    prefix: 0,
    commit: 'logged',
    files: 'mirrored',
    ringBytes: 2 ** 26,
    executables: [{ path: '/bin/true', size: 1, mtimeNs: 2n ** 60n, hash: 'aa' }],
  },
  process: {
    argv: ['true'],
    envp: ['A=B'],
    cwd: '/',
    uid: 0,
    gid: 0,
    euid: 0,
    egid: 0,
    umask: 18,
    startRealNs: 1n,
    limits: [{ resource: 7, soft: 1024n, hard: 2n ** 64n - 1n }],
  },
};
