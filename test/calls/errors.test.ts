/* errors.test.ts: what fails, and what a call may not change. bound: 600 */
import { testFamily } from './support.js';

testFamily('errors').run();
