/* load-main.ts: the process of the load client of a program, on the client host. Its options are
 * JSON in its only argument. The rule: what it says and hears is load-process.ts's business. */
import { serveLoad } from '../../src/bed/load-process.js';
import { CompatLoad, type CompatLoadOptions } from './load.js';
import { programNamed } from './programs/index.js';

const options = JSON.parse(process.argv[2] ?? '{}') as CompatLoadOptions;
serveLoad(async () => {
  const program = await programNamed(options.program);
  return program.load?.(options) ?? new CompatLoad(program, options);
});
