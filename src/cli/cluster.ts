/* cluster.ts: the command `hs-cluster`: decides which program runs on which host.
 * This version has the command's shell only. */
import { laterCommand } from './commands/later.js';
import { createProgram, run } from './shell.js';

const later = (name: string, summary: string, example: string) =>
  laterCommand(`${name} [arguments...]`, summary, `hs-cluster ${example}`);

const program = createProgram('hs-cluster', 'Decides which program runs on which host.', [
  later('node', 'the daemon of one host', 'node'),
  later('register', 'make an object of a program', 'register web --primary a --backup b -- nginx'),
  later('list', 'list the objects', 'list'),
  later('show', 'show one object', 'show web'),
  later('load', 'load an object on its host', 'load web'),
  later('unload', 'unload an object', 'unload web'),
  later('failover', 'move an object to its backup server', 'failover web'),
  later('failback', 'move an object back to its primary server', 'failback web'),
  later('nodes', 'list the hosts', 'nodes'),
  later('events', 'show what happened', 'events --follow'),
  later('confirm', "the operator's answer to a prompt", 'confirm 7'),
]);

await run(program);
