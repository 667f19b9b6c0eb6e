/* ids.test.ts: who the program is, what it may do, how it is scheduled. bound: 600 */
import { testFamily } from './support.js';

testFamily('ids').run();
