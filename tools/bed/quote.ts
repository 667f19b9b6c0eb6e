/* quote.ts: a word as a POSIX shell takes it for itself. The rule: whatever is in it. */
export const shellQuote = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
