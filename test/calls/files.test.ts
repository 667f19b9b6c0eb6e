/* files.test.ts: files, directories and what is done with them. bound: 600 */
import { testFamily } from './support.js';

testFamily('files').run();
