/* program-file.ts: what the file of a program is, from its name and its first bytes: where it
 * lies on the PATH, static or dynamic, set-uid, script or executable.
 * The rule: nothing is executed to find out, and a length from the file is checked before use. */
import { accessSync, closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UserError } from './errors.js';

/** Mode bits of inode(7) that Node's constants leave out. */
const setUserId = 0o4000;
const setGroupId = 0o2000;

export interface ProgramFile {
  path: string;
  kind: 'elf' | 'script' | 'other';
  /** For scripts: the interpreter's path, from the `#!` line. */
  interpreter?: string;
  /** For ELF files: whether this machine's kernel runs it as a 64-bit x86 program. */
  isX8664: boolean;
  /** For ELF files: the dynamic loader it asks for; without one the program is static. */
  loader?: string;
  /** Runs with other rights than the caller's: set-uid or set-gid, to somebody else. */
  isPrivileged: boolean;
}

/** The path of a command as execvp finds it. Throws UserError when there is none to execute. */
export function findProgram(
  command: string,
  environment: NodeJS.ProcessEnv = process.env,
  cwd: string = process.cwd(),
): string {
  if (command.includes('/')) {
    const path = resolve(cwd, command);
    if (isExecutable(path)) return path;
    throw new UserError(`program ${command} is no executable file: check its path and mode`);
  }
  // The C library's default where PATH is not set.
  for (const folder of (environment['PATH'] ?? '/bin:/usr/bin').split(':')) {
    const path = resolve(cwd, join(folder || '.', command));
    if (command !== '' && isExecutable(path)) return path;
  }
  throw new UserError(`program "${command}" is not on the PATH: install it, or give its path`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Looks at the head of the file. The fields of ELF headers are named as in elf(5). */
export function inspectProgram(path: string): ProgramFile {
  const fd = openSync(path, 'r');
  try {
    const { mode, uid, gid } = fstatSync(fd);
    const isPrivileged =
      ((mode & setUserId) !== 0 && uid !== process.getuid!()) ||
      ((mode & setGroupId) !== 0 && (mode & 0o010) !== 0 && gid !== process.getgid!());
    const head = readAt(fd, 0, 4096);
    const base = { path, isPrivileged, isX8664: false };
    if (head.subarray(0, 4).equals(Buffer.from('\x7fELF', 'latin1'))) {
      return { ...base, kind: 'elf', ...inspectElf(fd, head) };
    }
    const script = /^#![ \t]*([^\s]+)/.exec(head.toString('latin1'));
    if (script) return { ...base, kind: 'script', interpreter: script[1]! };
    return { ...base, kind: 'other' };
  } finally {
    closeSync(fd);
  }
}

const elf = {
  class64: 2, littleEndian: 1, machineX8664: 62, programInterpreter: 3,
  headerBytes: 64, programHeaderBytes: 56,
};

function inspectElf(fd: number, head: Buffer): Pick<ProgramFile, 'isX8664' | 'loader'> {
  const isWhole = head.length >= elf.headerBytes;
  const isX8664 = isWhole && head[4] === elf.class64 && head[5] === elf.littleEndian &&
    head.readUInt16LE(18) === elf.machineX8664;
  if (!isX8664) return { isX8664: false };
  const phoff = Number(head.readBigUInt64LE(32));
  const phentsize = head.readUInt16LE(54);
  const phnum = head.readUInt16LE(56);
  if (phentsize !== elf.programHeaderBytes) return { isX8664 };
  const headers = readAt(fd, phoff, phnum * phentsize);
  for (let at = 0; at + phentsize <= headers.length; at += phentsize) {
    if (headers.readUInt32LE(at) !== elf.programInterpreter) continue;
    const offset = Number(headers.readBigUInt64LE(at + 8));
    const filesz = Number(headers.readBigUInt64LE(at + 32));
    const text = readAt(fd, offset, Math.min(filesz, 4096)).toString('utf8');
    return { isX8664, loader: text.replace(/\0.*$/s, '') };
  }
  return { isX8664 };
}

function readAt(fd: number, offset: number, lenBytes: number): Buffer {
  if (!Number.isSafeInteger(offset)) return Buffer.alloc(0);
  const buffer = Buffer.alloc(lenBytes);
  return buffer.subarray(0, readSync(fd, buffer, 0, lenBytes, offset));
}
