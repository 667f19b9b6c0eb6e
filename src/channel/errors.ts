// errors.ts: what can go wrong between two engines and with the log on disk, each by name.
// Bytes that come from outside never throw anything else: a ChannelError closes the connection and
// is counted, a LogError ends the command with exit status 1.

import { OperatingError } from '../errors.js';

/** The names a ChannelError can carry in `reason`. */
export type ChannelReason =
  | 'bad-frame' // the first words are neither a record's nor a control message's
  | 'bad-record' // framed like a record, but not one
  | 'bad-control' // framed like a control message, but not one
  | 'bad-sequence' // a sound record whose number cannot come next
  | 'gap-bound' // waiting for a missing record has used up its memory or its time
  | 'wrong-key' // the TLS handshake failed: the two key files differ
  | 'wrong-version' // hello: another HS_VERSION
  | 'wrong-table' // hello: another call table
  | 'wrong-pair' // hello: another pair's name
  | 'unexpected' // a message that may not come at this point
  | 'refused' // the peer refused us and said why
  | 'unreachable' // no connection within the bounds of time and attempts
  | 'handshake-timeout' // connected, but no hello in time
  | 'listen-failed'
  | 'lost' // the connection broke with no goodbye
  | 'closed'; // used after its end

/** A fault of the channel. `offset` is the position in the received stream, where there is one. */
export class ChannelError extends OperatingError {
  declare readonly reason: ChannelReason;
  readonly offset: number | undefined;

  constructor(
    reason: ChannelReason,
    message: string,
    detail: { offset?: number; cause?: unknown; evidence?: Record<string, unknown> } = {},
  ) {
    const { offset, cause, evidence } = detail;
    const where = offset === undefined ? {} : { offset };
    super(message, { reason, cause, evidence: { ...evidence, ...where } });
    this.offset = offset;
  }
}

export type LogReason =
  | 'log-exists' // the directory already holds a log
  | 'log-missing' // no log there, or a segment of it is gone
  | 'log-meta' // meta.json is not what it should be
  | 'log-corrupt' // a block's bytes are not those that were written
  | 'log-order' // sound blocks, but records are missing between them
  | 'log-full' // no space left: everything written so far is safe
  | 'log-io' // any other error of the file system
  | 'log-closed';

/** A fault of the log on disk: which file, at which block, and what. */
export class LogError extends OperatingError {
  declare readonly reason: LogReason;
  readonly file: string;
  readonly offset: number | undefined;

  constructor(
    reason: LogReason,
    message: string,
    detail: { file: string; offset?: number; cause?: unknown },
  ) {
    const { file, offset, cause } = detail;
    super(message, { reason, cause, evidence: { file, ...(offset !== undefined && { offset }) } });
    this.file = file;
    this.offset = offset;
  }
}
