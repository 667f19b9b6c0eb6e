/* log.ts: the log of a command: pino, to stderr, because stdout belongs to results.
 * Pretty on a terminal, JSON lines otherwise. Written synchronously: a command that ends with
 * process.exit loses nothing, and the engine's hot path does not log.
 * The rule: no secret (pairing keys) is ever passed to a logger. */
import { pino, type Logger } from 'pino';
import pretty from 'pino-pretty';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];
export type { Logger };

export interface LogOptions {
  level?: LogLevel;
  /** Default: whether stderr is a terminal. */
  isPretty?: boolean;
  /** Default: on a terminal, unless NO_COLOR is set. */
  isColoured?: boolean;
  /** File descriptor to write to; 2 unless a test says otherwise. */
  fd?: number;
}

/** A new root logger. Most code wants `log`, or a `log.child({ part })` of it. */
export function createLog(options: LogOptions = {}): Logger {
  const fd = options.fd ?? 2;
  const level = options.level ?? 'info';
  const isTerminal = fd === 2 && process.stderr.isTTY === true;
  const base = { level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime };
  if (!(options.isPretty ?? isTerminal)) {
    return pino(base, pino.destination({ fd, sync: true }));
  }
  const colorize = options.isColoured ?? (isTerminal && !process.env['NO_COLOR']);
  const stream = pretty({
    colorize,
    destination: fd,
    sync: true,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
  });
  return pino(base, stream);
}

/** The process's logger. `setLogLevel` is called once, when the settings are known. */
export const log: Logger = createLog();

export function setLogLevel(level: LogLevel): void {
  log.level = level;
}
