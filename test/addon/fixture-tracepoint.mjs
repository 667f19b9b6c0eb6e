// Counts the calls of a child through a tracepoint. Argument: the object file. Says { calls }.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'bpf-loader';

const object = open(process.argv[2]);
const others = object.programs.map(({ name }) => name).filter((name) => name !== 'hst_tracepoint');
object.load({ skip: others }).attach('hst_tracepoint');
const child = spawn('sh', ['-c', 'read word'], { stdio: ['pipe', 'ignore', 'inherit'] });
object.map('pids').set(child.pid, 1);
child.stdin.end('go\n');
await once(child, 'exit');
console.log(JSON.stringify({ calls: object.map('shared').get(1).readUInt32LE() }));
object.close();
