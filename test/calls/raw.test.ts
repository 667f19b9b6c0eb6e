/* raw.test.ts: calls and time without libc: inline, static, from code made at run time.
 * bound: 600 */
import { testFamily } from './support.js';

testFamily('raw').run();
