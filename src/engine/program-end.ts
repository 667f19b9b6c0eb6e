/* program-end.ts: how a program ended, as the sentence that the primary says to its backup with the
 * last message. A death that no record can tell of (SIGKILL, the kernel's out-of-memory killer) is
 * known to the backup from here alone. The rule: both directions are in this file. */
import { constants } from 'node:os';
import type { ProgramEnd } from './options.js';

export function endSentence({ exitCode, exitSignal }: ProgramEnd): string {
  return exitSignal === null
    ? `the program ended with status ${exitCode}`
    : `the program was ended by ${exitSignal}`;
}

/** What a sentence says; undefined when it is about something else. */
export function endIn(sentence: string): ProgramEnd | undefined {
  const status = /^the program ended with status (\d{1,3})$/.exec(sentence)?.[1];
  if (status !== undefined) return { exitCode: Number(status), exitSignal: null };
  const name = /^the program was ended by (SIG[A-Z0-9]+)$/.exec(sentence)?.[1];
  if (name === undefined || !(name in constants.signals)) return undefined;
  return { exitCode: null, exitSignal: name as NodeJS.Signals };
}
