/* classify.ts: whether bytes in a file's code that look like an instruction are one, by objdump.
 * Bytes inside a function are judged by the function's instructions, decoded from its start. Ones
 * outside of any (a table among hand-written code) are no instruction if what would run after them
 * cannot run at all. The pieces to decode are put together in one scratch file, so that there is
 * one objdump per ELF file, and it reads no symbols.
 * The rule: any doubt makes a place `unknown`; a wrong answer would change code or miss a clock. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { OperatingError, errnoOf } from '../errors.js';
import type { ElfImage } from './elf.js';
import { instructions, type Instruction, type InstructionName } from './instructions.js';

/** What bytes turned out to be: an instruction, none, or nobody knows. */
export type SiteKind = InstructionName | 'none' | 'unknown';

export interface Site {
  /** Of the bytes that were looked for, in the file. */
  offset: number;
  kind: SiteKind;
  /** The instruction begins before them, with a prefix. */
  isPrefixed: boolean;
}

const pageBytes = 4096;
const longestInstructionBytes = 15;
const nop = 0x90;
/** How far behind a candidate is looked for something that cannot run. */
const tailBytes = 96;
const objdumpBoundMs = 60_000;

/** One line of a disassembly. */
export interface Line {
  address: number;
  text: string;
}

interface Candidate extends Site {
  address: number;
}

/** Bytes to decode from their first on, and the candidates, by address, to judge by that. */
interface Piece {
  address: number;
  bytes: Buffer;
  candidates: Candidate[];
  isFunction: boolean;
}

/** All places of a file where one of the instructions may be, by offset. Throws OperatingError
 * when objdump cannot be run, and system errors when there is no room for what it is to read. */
export async function classify(
  image: ElfImage, names: readonly InstructionName[],
): Promise<Site[]> {
  const sites: Site[] = [];
  const candidates: Candidate[] = [];
  for (const offset of candidateOffsets(image, names)) {
    const home = image.segments.find(
      ({ isExecutable, start, end }) => isExecutable && offset >= start && offset < end,
    );
    // Without a home it lies beside the code, in a page that is mapped because of the code.
    const site: Candidate = { offset, kind: 'unknown', isPrefixed: false, address: 0 };
    if (home) candidates.push({ ...site, address: offset - home.start + home.address });
    else sites.push(site);
  }
  if (candidates.length > 0) await judgeAll(piecesOf(image, candidates), new Set(names));
  return [...sites, ...candidates]
    .map(({ offset, kind, isPrefixed }) => ({ offset, kind, isPrefixed }))
    .sort((a, b) => a.offset - b.offset);
}

/** Where the patterns are in what the kernel makes executable: whole pages. */
function candidateOffsets(image: ElfImage, names: readonly InstructionName[]): Set<number> {
  const offsets = new Set<number>();
  for (const name of names) {
    const { patterns, sample = Infinity }: Instruction = instructions[name];
    for (const { bytes: wanted, next } of patterns) {
      let left = sample;
      for (const [from, code] of executablePages(image)) {
        const pattern = Buffer.from(wanted);
        for (let at = code.indexOf(pattern); at >= 0; at = code.indexOf(pattern, at + 1)) {
          const behind = code[at + pattern.length];
          if (next && (behind === undefined || behind < next[0] || behind > next[1])) continue;
          if (left-- <= 0) break;
          offsets.add(from + at);
        }
      }
    }
  }
  return offsets;
}

function executablePages({ bytes, segments }: ElfImage): [from: number, code: Buffer][] {
  return segments.filter(({ isExecutable }) => isExecutable).map(({ start, end }) => {
    const from = start - (start % pageBytes);
    return [from, bytes.subarray(from, Math.ceil(end / pageBytes) * pageBytes)];
  });
}

function piecesOf(image: ElfImage, candidates: Candidate[]): Piece[] {
  const functions = new Map<number, Piece>();
  const pieces: Piece[] = [];
  for (const candidate of candidates.sort((a, b) => a.address - b.address)) {
    const { address } = candidate;
    const range = image.functionAt(address);
    if (!range) {
      const bytes = codeOf(image, address, address + tailBytes);
      pieces.push({ address, bytes, candidates: [candidate], isFunction: false });
      continue;
    }
    const { start, end } = range;
    const candidates = [...(functions.get(start)?.candidates ?? []), candidate];
    const bytes = codeOf(image, start, Math.min(address + tailBytes, end));
    functions.set(start, { address: start, bytes, candidates, isFunction: true });
  }
  return [...functions.values(), ...pieces];
}

/** The bytes of [from, to), or fewer where the segment ends before. */
function codeOf({ bytes, segments }: ElfImage, from: number, to: number): Buffer {
  const home = segments.find(({ isExecutable, address, start, end }) =>
    isExecutable && from >= address && from < address + end - start);
  if (!home) return Buffer.alloc(0);
  const shift = home.start - home.address;
  return bytes.subarray(from + shift, Math.min(to + shift, home.end));
}

/** Disassembles the pieces and fills in the kinds of their candidates. */
async function judgeAll(pieces: Piece[], names: ReadonlySet<string>): Promise<void> {
  // Whatever the end of a piece leaves the decoder in, that many nops bring it back.
  const gap = Buffer.alloc(longestInstructionBytes, nop);
  const lines: Line[][] = pieces.map(() => []);
  const starts: number[] = [];
  let total = 0;
  for (const { bytes } of pieces) {
    starts.push(total);
    total += bytes.length + gap.length;
  }
  let current = 0;
  await disassemble(Buffer.concat(pieces.flatMap(({ bytes }) => [bytes, gap])), (at, text) => {
    while (current + 1 < pieces.length && at >= starts[current + 1]!) current++;
    lines[current]!.push({ address: at - starts[current]! + pieces[current]!.address, text });
  });
  pieces.forEach(({ address, bytes, candidates, isFunction }, index) => {
    const judge = isFunction ? judgeInFunction : judgeAlone;
    for (const candidate of candidates) {
      const end = address + bytes.length;
      Object.assign(candidate, judge(lines[index]!, candidate.address, end, names));
    }
  });
}

/** Calls back for each instruction of raw x86-64 code. */
async function disassemble(
  code: Buffer, onLine: (at: number, text: string) => void,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'hotswap-code-'));
  let bound: NodeJS.Timeout | undefined;
  try {
    const file = join(folder, 'code');
    await writeFile(file, code, { mode: 0o600 });
    // Without --disassemble-zeroes a run of zero bytes is skipped, and the decoder loses its place.
    const child = spawn('objdump', [
      '--disassemble-all', '--disassemble-zeroes', '--no-show-raw-insn',
      '--target=binary', '--architecture=i386:x86-64', file,
    ], {
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    // The timeout of spawn itself goes on when there is no such program.
    bound = setTimeout(() => child.kill('SIGKILL'), objdumpBoundMs);
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', (cause) => reject(new OperatingError(
        'cannot run objdump: install binutils', { reason: errnoOf(cause), cause },
      )));
      child.once('close', resolve);
    });
    ended.catch(() => undefined); // awaited below, when the lines are through
    for await (const line of createInterface({ input: child.stdout })) {
      const found = /^ *([0-9a-f]+):\t(.*)$/.exec(line);
      if (found) onLine(Number.parseInt(found[1]!, 16), found[2]!.trim());
    }
    const status = await ended;
    if (status !== 0) throw new OperatingError(`objdump failed (status ${status ?? 'unknown'})`);
  } finally {
    clearTimeout(bound);
    await rm(folder, { recursive: true, force: true });
  }
}

type Judged = Pick<Site, 'kind' | 'isPrefixed'>;
const judged = (kind: SiteKind, isPrefixed = false): Judged => ({ kind, isPrefixed });

/** What the bytes at `address` are, by the lines of the function they are in, from its start to
 * `end`, which is its end or well behind the bytes. */
function judgeInFunction(
  lines: readonly Line[], address: number, end: number, names: ReadonlySet<string>,
): Judged {
  const index = lines.findIndex((line) => line.address >= address);
  if (index < 0) return judged('unknown');
  const before = lines.slice(0, index);
  // Bytes that are no instruction are data, and behind them the decoder may be out of step.
  if (before.some(({ text }) => notCode.test(text))) return judged('unknown');
  if (lines[index]!.address === address) {
    const isDead = isDeadEnd(lines.slice(index + 1), end);
    return judged(isDead ? 'unknown' : named(lines[index]!, names) ?? 'unknown');
  }
  // With a prefix it begins before the bytes that were looked for.
  const around = before.at(-1);
  if (!around) return judged('unknown');
  const kind = named(around, names);
  return kind === undefined ? judged('none') : judged(kind, true);
}

/** The same for bytes outside of functions, by the lines from them on. */
function judgeAlone(
  lines: readonly Line[], address: number, end: number, names: ReadonlySet<string>,
): Judged {
  if (lines[0]?.address !== address || named(lines[0], names) === undefined) {
    return judged('unknown');
  }
  return judged(isDeadEnd(lines.slice(1), end) ? 'none' : 'unknown');
}

/** Which of the instructions a line shows. */
function named({ text }: Line, names: ReadonlySet<string>): InstructionName | undefined {
  const word = /^\S+/.exec(names.has('lock') ? text : text.replace(prefix, ''))?.[0] ?? '';
  return names.has(word) ? word as InstructionName : undefined;
}

const notCode = /[({]bad|\.byte/;
const prefix = /^(?:(?:bnd|notrack|data16|addr32|lock|rep|repz|repnz|[c-gs]s|rex\S*) +)+/;
/** What no program runs: undefined bytes, halt (privileged), the trap of hardware debuggers. */
const cannotRun = /^(?:\(bad\)|hlt$|int1$)/;
/** Where what runs next is not what stands next, or may not be: from there on nothing is known. */
const mayLeave = /^(?:j|call|ret|lret|iret|loop|int|ud|sys|x(?:begin|end|abort)|\.byte)/;

/** Whether a program that came to the first of these lines would be killed there. */
function isDeadEnd(lines: readonly Line[], end: number): boolean {
  for (const { address, text } of lines) {
    if (address + longestInstructionBytes > end) return false; // may be cut off
    const bare = text.replace(prefix, '');
    if (cannotRun.test(bare)) return true;
    if (mayLeave.test(bare)) return false;
  }
  return false;
}
