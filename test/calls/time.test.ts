/* time.test.ts: clocks, sleeps, timers of every kind. bound: 600 */
import { testFamily } from './support.js';

testFamily('time').run();
