/* lines.ts: clients of servers that speak in lines: what comes back as it was said, a question and
 * its answer, IRC.
 * The rule: what a client says bears its name and a number, so that no reply can be another's. */
import { check, type Wire } from './wire.js';
import type { Session, SessionContext } from '../program.js';

export const nameOf = ({ index, random }: SessionContext): string =>
  index < 0 ? `v${-index}x${random.between(0, 1e9)}` : `c${index}`;

export async function ask(wire: Wire, text: string, expected: RegExp): Promise<string> {
  wire.write(`${text}\r\n`);
  const line = await wire.line();
  check(expected.test(line), `${text.slice(0, 60)}: expected ${String(expected)}`, line);
  return line;
}

/** Lines that come back as they were sent. */
export async function echo(context: SessionContext): Promise<Session> {
  const wire = await context.wire();
  const name = nameOf(context);
  let count = 0;
  return {
    exchange: async () => {
      const line = `${name} says ${count++} ${'x'.repeat(context.random.between(1, 2000))}\n`;
      wire.write(line);
      await wire.expect(line, 'an echo');
    },
    close: () => wire.close(),
  };
}

/** Says something to itself by way of the server. */
export async function irc(context: SessionContext): Promise<Session> {
  const wire = await context.wire();
  const nick = nameOf(context).slice(0, 9);
  let count = 0;
  wire.write(`NICK ${nick}\r\nUSER ${nick} 0 * :${nick}\r\n`);
  await wire.until(' 001 ');
  return {
    exchange: async () => {
      const text = `${nick} said ${count++}.`;
      wire.write(`PRIVMSG ${nick} :${text}\r\n`);
      await wire.until(`:${text}\r\n`);
    },
    close: () => wire.close(),
  };
}
