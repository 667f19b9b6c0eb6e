/* ipc.test.ts: shared memory, semaphores and queues under a key or a name. bound: 600 */
import { testFamily } from './support.js';

testFamily('ipc').run();
