/* random.test.ts: random bytes from calls, devices and the start of the program. bound: 600 */
import { testFamily } from './support.js';

testFamily('random').run();
