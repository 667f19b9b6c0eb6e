/* threads.test.ts: threads, locks, futexes, and races whose outcome must repeat. bound: 600 */
import { testFamily } from './support.js';

testFamily('threads').run();
