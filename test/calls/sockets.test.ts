/* sockets.test.ts: connections and datagrams over loopback and by path. bound: 600 */
import { testFamily } from './support.js';

testFamily('sockets').run();
