/* memory.test.ts: mappings, protection, hints, the heap. bound: 600 */
import { testFamily } from './support.js';

testFamily('memory').run();
