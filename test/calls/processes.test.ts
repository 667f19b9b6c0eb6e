/* processes.test.ts: fork, exec, wait, and real shells and interpreters. bound: 600 */
import { testFamily } from './support.js';

testFamily('processes').run();
