/* control-client.ts: asks a running pair through its control socket: `status`, `switchover`,
 * `stop`, and whatever else wants to know.
 * The rule: every way it can fail ends in a sentence that tells the pair's name. */
import { createConnection } from 'node:net';
import {
  answerSchema, controlSocketPath, maxLineBytes, statusSchema,
  type ControlOp, type PairStatus,
} from '../engine/control-protocol.js';
import {
  HotswapError, LostRole, NotReplicable, OperatingError, UserError, errnoOf,
} from '../errors.js';

export interface PairAddress {
  runtimeDir: string;
  name: string;
}

/** Sends one request and gives the answer's result. Errors of the pair come back as their kind. */
export async function askPair(
  pair: PairAddress,
  op: ControlOp,
  timeoutMs = 10_000,
): Promise<unknown> {
  const line = await exchange(pair, JSON.stringify({ op }), timeoutMs);
  const answer = answerSchema.safeParse(parseJson(line));
  if (!answer.success) {
    throw new OperatingError(`pair "${pair.name}" answered with something else than JSON`, {
      reason: 'answer',
      evidence: { answer: line.slice(0, 200) },
    });
  }
  if (!answer.data.ok) throw rebuild(answer.data.error);
  return answer.data.result;
}

/** The pair's status, validated. */
export async function askStatus(pair: PairAddress, timeoutMs?: number): Promise<PairStatus> {
  const status = statusSchema.safeParse(await askPair(pair, 'status', timeoutMs));
  if (status.success) return status.data;
  const why = status.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; ');
  throw new OperatingError(`pair "${pair.name}" gave a status this version cannot read (${why})`);
}

function exchange(pair: PairAddress, request: string, timeoutMs: number): Promise<string> {
  const path = controlSocketPath(pair.runtimeDir, pair.name);
  return new Promise((done, fail) => {
    let received = '';
    const socket = createConnection(path);
    socket.setEncoding('utf8');
    const stop = (error: HotswapError): void => {
      socket.destroy();
      fail(error);
    };
    socket.setTimeout(timeoutMs, () => {
      stop(new OperatingError(
        `pair "${pair.name}" did not answer within ${timeoutMs} ms; is its engine stuck?`,
        { reason: 'ETIMEDOUT' },
      ));
    });
    socket.on('error', (error) => stop(explain(pair, path, error)));
    socket.on('connect', () => socket.write(`${request}\n`));
    socket.on('data', (text: string) => {
      received += text;
      if (received.length > maxLineBytes) {
        stop(new OperatingError(`pair "${pair.name}" answered with more than fits one line`));
      }
    });
    socket.on('end', () => {
      socket.destroy();
      if (received.endsWith('\n')) done(received);
      else fail(new OperatingError(`pair "${pair.name}" ended before it had answered`));
    });
  });
}

function explain(pair: PairAddress, path: string, error: Error): HotswapError {
  const reason = errnoOf(error);
  const detail = { reason, cause: error };
  if (reason === 'ENOENT' || reason === 'ECONNREFUSED') {
    return new OperatingError(
      `no pair named "${pair.name}" is running here (nothing answers at ${path})`, detail);
  }
  if (reason === 'EACCES') {
    return new OperatingError(`${path} belongs to another user: run as the pair's owner`, detail);
  }
  return new OperatingError(`cannot reach pair "${pair.name}": ${error.message}`, detail);
}

/** The pair's own error, as the same kind here, so that the exit status is the same. */
function rebuild(error: { code: string; reason?: string; message: string }): HotswapError {
  const detail = { reason: error.reason };
  switch (error.code) {
    case 'HS_USAGE': return new UserError(error.message, detail);
    case 'HS_NOT_REPLICABLE': return new NotReplicable(error.message, detail);
    case 'HS_LOST_ROLE': return new LostRole(error.message, detail);
    default: return new OperatingError(error.message, detail);
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
