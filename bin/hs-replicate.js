#!/usr/bin/env node
/* hs-replicate: starts the compiled command. Plain JavaScript, so that a checkout that was not
 * built yet answers with what to do instead of a missing module. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const entry = new URL('../dist/src/cli/replicate.js', import.meta.url);
if (!existsSync(fileURLToPath(entry))) {
  process.stderr.write('hs-replicate: not built yet: run "npm run setup" in its checkout\n');
  process.exit(1);
}
await import(entry.href);
