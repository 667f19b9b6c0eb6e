// index.ts: what the rest of the system uses of the channel. Nothing else here is imported from
// outside this folder, tests and tools apart.

export {
  Channel,
  type Attach,
  type ChannelHandlers,
  type ChannelSettings,
  type CloseReason,
} from './channel.js';
export {
  type Control,
  type Hello,
  type Manifest,
  type ProcessStart,
  type Role,
} from './control.js';
export { ChannelError, LogError, type ChannelReason, type LogReason } from './errors.js';
export { type OnRecords, type RunInfo } from './framing.js';
export { createKeyFile, readKeyFile } from './key.js';
export * as layout from './layout.js';
export { type LogMeta } from './log-format.js';
export { LogReader, type LogBlock, type TornTail } from './log-reader.js';
export { LogWriter, type LogWriterOptions, type NewLogMeta } from './log-writer.js';
export {
  decodeRecord,
  decodeRun,
  frameBytes,
  newScan,
  recordSeq,
  scanRecords,
  viewOf,
  Stop,
  type RecordFields,
  type Scan,
} from './record.js';
export {
  ChannelServer,
  connect,
  listen,
  type ConnectOptions,
  type Endpoint,
  type ListenOptions,
} from './tls.js';
export type { Watermark } from './frequent.js';
