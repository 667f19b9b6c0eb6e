/* perl.ts: a server in Perl's own modules: one process, a select loop.
 * The rule: it keeps what it was told in a hash, and answers from that. */
import { readFileSync } from 'node:fs';
import { storeClient } from '../clients/http.js';
import type { Program } from '../program.js';

const programs: Program[] = [{
  name: 'perl-select',
  what: 'IO::Select and a hash of values; 16 kept connections and one client that comes and goes.',
  packages: ['perl'],
  version: ['perl', '--version'],
  command: ['/usr/bin/perl', 'select.pl'],
  port: 8000,
  files: () => ({ 'select.pl': readFileSync(new URL('../sources/select.pl', import.meta.url)) }),
  clients: 16,
  visitors: 1,
  connect: (context) => storeClient(context),
}];

export default programs;
