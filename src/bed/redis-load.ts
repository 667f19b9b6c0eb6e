/* redis-load.ts: the process of the redis load client, run inside the client host. Its options are
 * JSON in its only argument. The rule: what it says and hears is load-process.ts's business. */
import { serveLoad } from './load-process.js';
import { Load, type LoadOptions } from './redis-client/load.js';

serveLoad(() => new Load(JSON.parse(process.argv[2] ?? '{}') as LoadOptions));
