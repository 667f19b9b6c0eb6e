/* signals.test.ts: signals sent, taken, blocked, and what they interrupt. bound: 600 */
import { testFamily } from './support.js';

testFamily('signals').run();
