// Counts the system calls of the whole machine until Ctrl-C. As root:
//   node count-syscalls.mjs
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { open } from 'bpf-loader';

const source = fileURLToPath(new URL('count-syscalls.bpf.c', import.meta.url));
const include = `-I/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;
const clang = ['-O2', '-g', '-target', 'bpf', include, '-c', source, '-o', '-'];

const object = open(execFileSync('clang', clang), { name: 'count' }).load();
object.attach('count');
console.log('counting; Ctrl-C ends it');
const ticking = setInterval(() => {}, 1000); // keeps Node here

process.once('SIGINT', () => {
  clearInterval(ticking);
  const rows = [...object.perCpuSum('counts')].map((count, number) => ({ number, count }));
  object.close();
  console.table(rows.filter(({ count }) => count > 0n).sort((a, b) => Number(b.count - a.count)));
});
