/* instructions.ts: the processor's instructions that hs-trace and the shim look for in a program's
 * code: those whose result is an input that no system call shows, and those that are evidence of
 * sharing. Bytes are from the Intel manual, volume 2.
 * The rule: a row gives the bytes that each form of the instruction contains; whether they are one
 * is for classify.ts to find out. */

export interface InstructionPattern {
  readonly bytes: readonly number[];
  /** The byte behind them lies in this range, both ends included. */
  readonly next?: readonly [first: number, last: number];
}

export interface Instruction {
  readonly patterns: readonly InstructionPattern[];
  /** Only so many places are judged: enough to know that a file has it. */
  readonly sample?: number;
}

const registerForm = (bytes: readonly number[], extension: number): InstructionPattern =>
  ({ bytes, next: [0xc0 | (extension << 3), 0xc7 | (extension << 3)] });
/** Prefix, then an instruction that may have it, on memory: the modrm byte decides, later. */
const locked = (...bytes: number[]): InstructionPattern => ({ bytes: [0xf0, ...bytes] });

/** By the name the disassembler gives it. */
export const instructions = {
  rdtsc: { patterns: [{ bytes: [0x0f, 0x31] }] },
  rdtscp: { patterns: [{ bytes: [0x0f, 0x01, 0xf9] }] },
  rdrand: { patterns: [registerForm([0x0f, 0xc7], 6)] },
  rdseed: { patterns: [registerForm([0x0f, 0xc7], 7)] },
  rdpid: { patterns: [registerForm([0x0f, 0xc7], 7)] },
  cpuid: { patterns: [{ bytes: [0x0f, 0xa2] }] },
  xgetbv: { patterns: [{ bytes: [0x0f, 0x01, 0xd0] }] },
  rdpmc: { patterns: [{ bytes: [0x0f, 0x33] }] },
  xbegin: { patterns: [{ bytes: [0xc7, 0xf8] }] },
  lock: {
    patterns: [
      locked(0x0f, 0xb1), locked(0x0f, 0xb0), locked(0x0f, 0xc1), locked(0x0f, 0xc7),
      locked(0x48, 0x0f), locked(0x83), locked(0x48, 0x83), locked(0xff), locked(0x48, 0xff),
      locked(0x48, 0x01), locked(0x09), locked(0x48, 0x09),
    ],
    sample: 24,
  },
} as const satisfies Record<string, Instruction>;
export type InstructionName = keyof typeof instructions;

export const instructionNames = Object.keys(instructions) as InstructionName[];
