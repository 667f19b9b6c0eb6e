/* descriptors.test.ts: descriptor numbers, pipes, waiting on many at once. bound: 600 */
import { testFamily } from './support.js';

testFamily('descriptors').run();
