/* processor.ts: do two processors make one program do the same? Libraries ask CPUID (leaves 1, 7,
 * 0xd, 0x80000001, and XGETBV) and choose code by the answers, which no record holds. Both hosts
 * must give the same ones. They are read as /proc/cpuinfo names them.
 * The rule: only what a program can choose code by is compared; what a kernel adds of its own, or
 * what concerns mitigations and virtual machines, differs between kernels on equal processors. */
import { readFileSync } from 'node:fs';
import { NotReplicable } from '../errors.js';

export interface Processor {
  model: string;
  /** Of `chosenBy`, sorted. */
  flags: string[];
}

const chosenBy = new Set([
  // leaf 1
  'tsc cx8 cmov clflush mmx fxsr sse sse2 pni pclmulqdq ssse3 fma cx16 sse4_1 sse4_2 movbe popcnt',
  'aes xsave avx f16c rdrand',
  // leaf 7
  'fsgsbase bmi1 hle avx2 bmi2 erms rtm mpx avx512f avx512dq rdseed adx avx512ifma clflushopt clwb',
  'avx512pf avx512er avx512cd sha_ni avx512bw avx512vl avx512vbmi ospke waitpkg avx512_vbmi2 gfni',
  'vaes vpclmulqdq avx512_vnni avx512_bitalg avx512_vpopcntdq rdpid cldemote movdiri movdir64b',
  'avx512_4vnniw avx512_4fmaps fsrm avx512_vp2intersect serialize tsxldtrk amx_bf16 amx_tile',
  'amx_int8 amx_fp16 avx512_fp16 avx512_bf16 avx_vnni avx_ifma cmpccxadd fzrm fsrs fsrc',
  // leaf 0xd, and XGETBV with ECX 1: which instruction the dynamic linker saves registers by
  'xsaveopt xsavec xgetbv1 xsaves',
  // leaf 0x80000001
  'lahf_lm abm sse4a misalignsse 3dnowprefetch xop fma4 tbm lwp mmxext 3dnow 3dnowext rdtscp lm',
].flatMap((line) => line.split(' ')));

const MODEL_MAX = 48; // a brand string of CPUID has no more

/** What all processors of this host have in common, from the text of /proc/cpuinfo. */
export function parseProcessor(cpuinfo: string): Processor {
  const lists = [...cpuinfo.matchAll(/^flags\s*:(.*)$/gm)].map(([, list]) =>
    new Set(list!.split(' ').filter((flag) => chosenBy.has(flag))));
  const [first = new Set<string>(), ...others] = lists;
  const model = /^model name\s*:\s*(.*)$/m.exec(cpuinfo)?.[1] ?? 'unknown';
  return {
    model: model.slice(0, MODEL_MAX),
    flags: [...first].filter((flag) => others.every((list) => list.has(flag))).sort(),
  };
}

export const readProcessor = (): Processor =>
  parseProcessor(readFileSync('/proc/cpuinfo', 'latin1'));

/** Throws NotReplicable, naming what one has and the other has not. */
export function compareProcessors(primary: Processor, backup: Processor): void {
  const lacks = primary.flags.filter((flag) => !backup.flags.includes(flag));
  const adds = backup.flags.filter((flag) => !primary.flags.includes(flag));
  if (lacks.length + adds.length === 0) return;
  const parts = [
    ...(lacks.length > 0 ? [`lacks ${lacks.join(', ')}`] : []),
    ...(adds.length > 0 ? [`has ${adds.join(', ')}, which the primary's lacks`] : []),
  ];
  throw new NotReplicable(
    `the backup's processor (${backup.model}) ${parts.join(', and ')} (${primary.model}), so ` +
      'libraries would choose other code: use equal ones, give virtual machines the same model, ' +
      'or try it with --processors any on the backup',
    { reason: 'processor', evidence: { lacks, adds } });
}
