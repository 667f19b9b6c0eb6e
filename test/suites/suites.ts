/* suites.ts: the public suites that the runner knows.
 * The rule: a suite is one file and one line here. */
import { ltp } from './ltp.js';
import { posix } from './posix.js';
import { rr } from './rr.js';
import type { Suite } from './suite.js';
import { zdtm } from './zdtm.js';

export const suites: readonly Suite[] = [rr, posix, ltp, zdtm];
