// The three ways a call can fail, and the checks that lead to one of them. See index.d.ts.

const prefix = 'libbpf: ';

/** Splits what libbpf printed into its own sentences and the verifier's log. */
function splitLog(log) {
  const sentences = [];
  const verifier = [];
  let inVerifier = false;
  for (const line of log.split('\n')) {
    const text = line.startsWith(prefix) ? line.slice(prefix.length) : line;
    if (text.includes('-- BEGIN PROG LOAD LOG --')) inVerifier = true;
    else if (text.includes('-- END PROG LOAD LOG --')) inVerifier = false;
    else if (inVerifier) verifier.push(text);
    else if (text.trim() !== '') sentences.push(text);
  }
  return { sentences, verifier: verifier.join('\n') };
}

export class NativeError extends Error {
  constructor(operation, native, hint) {
    const { sentences, verifier } = splitLog(native.log ?? '');
    const parts = [`${operation}: ${native.code} (${native.message})`];
    if (sentences.length > 0) parts.push(sentences.slice(0, 3).join('; '));
    if (hint !== undefined) parts.push(hint);
    super(parts.join('; '), { cause: native });
    this.name = 'NativeError';
    this.operation = operation;
    this.code = native.code;
    this.errno = native.errno;
    this.log = sentences.length > 0 ? sentences.join('\n') : undefined;
    this.verifierLog = verifier === '' ? undefined : verifier;
  }
}

export class ClosedError extends Error {
  code = 'ERR_CLOSED';
  constructor(what) {
    super(`${what} is closed`);
    this.name = 'ClosedError';
  }
}

export class ArgumentError extends TypeError {
  code = 'ERR_INVALID_ARGUMENT';
  constructor(sentence) {
    super(sentence);
    this.name = 'ArgumentError';
  }
}

/** Throws an ArgumentError unless the condition holds. */
export function check(condition, sentence) {
  if (!condition) throw new ArgumentError(sentence);
}

export function checkInteger(value, least, most, what) {
  const isGood = Number.isSafeInteger(value) && value >= least && value <= most;
  check(isGood, `${what} must be an integer from ${least} to ${most}, not ${String(value)}`);
}

export function checkName(value, what) {
  const isGood = typeof value === 'string' && value !== '' && !value.includes('\0');
  check(isGood, `${what} must be a non-empty string`);
}

function hintFor(code) {
  if (code !== 'EPERM' && code !== 'EACCES') return undefined;
  return 'root is needed, or CAP_BPF, CAP_PERFMON and, for the network, CAP_NET_ADMIN';
}

/** Runs a native call; its failure becomes a NativeError of that operation. */
export function attempt(operation, call, hint = hintFor) {
  try {
    return call();
  } catch (error) {
    if (typeof error?.errno !== 'number') throw error;
    // The verifier refuses with EACCES too: then its log is the explanation, not a privilege.
    const isVerifier = error.log?.includes('BEGIN PROG LOAD LOG') ?? false;
    throw new NativeError(operation, error, isVerifier ? undefined : hint(error.code));
  }
}
