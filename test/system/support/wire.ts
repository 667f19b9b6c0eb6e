/* wire.ts: connections between a client and a server of a bed, with the slot of each and what the
 * client's wire showed of it. The rule: what is expected on the wire is read from the wire. */
import { plan } from '../../../src/bed/bed.js';
import { until, vip, type Hand } from './enforce.js';

export interface Connection {
  /** Sockets of the client's and the server's helper. */
  client: number;
  server: number;
  /** The client's port; and the index key, in network order. */
  port: number;
  raddr: number;
  rport: number;
  lport: number;
}

export interface Slot {
  slot: number;
  limit: number;
  edge: number;
  sndMax: number;
  irs1: number;
  iss1: number;
  tsval: number;
  tsecr: number;
  peerAck: number;
  peerWindow: number;
  answers: number;
  flags: number;
  wscale: number;
  peerWscale: number;
  peerMss: number;
  shown: number;
}

export interface Seen {
  segments: number;
  pureAcks: number;
  bad: number;
  unchecked: number;
  fins: number;
  rsts: number;
  synAcks: number;
  sacks: number;
  shrinks: number;
  maxAck: number;
  edge: number;
  lastWindow: number;
  arps: number;
  foreign: number;
}

type Dialled = Record<'socket' | 'port' | 'rport' | 'lport' | 'raddr', number>;

interface Transfer {
  bytes: number;
  eof: boolean;
  error: number;
}

let nextPort = 7000;

export class Wire {
  constructor(readonly maps: Hand, readonly client: Hand, readonly server: Hand) {}

  /** Starts to connect, whether or not somebody listens. */
  async dial(port: number): Promise<Connection> {
    const { socket: client, ...rest } = await this.client.ask<Dialled>(
      `connect ${plan.vip} ${port}`);
    return { client, server: -1, ...rest };
  }

  /** An accepted connection to a port of its own. */
  async connect(port = nextPort++): Promise<Connection> {
    const listener = await this.server.ask(`listen ${plan.vip} ${port}`);
    const made = await this.dial(port);
    const accepted = await until('accepted',
      () => this.server.ask(`accept ${listener['socket']}`), (a) => (a['socket'] ?? -1) >= 0);
    return { ...made, server: accepted['socket'] ?? -1 };
  }

  slot(c: Connection): Promise<Slot> {
    return this.maps.ask<Slot & Record<string, number>>(`find ${c.raddr} ${c.rport} ${c.lport}`);
  }

  /** What the client's wire showed since the helper started. */
  seen(c: Connection): Promise<Seen> {
    return this.client.ask<Seen & Record<string, number>>(`sniff ${vip} ${c.port}`);
  }

  async limit(c: Connection, limit: number): Promise<{ push: number }> {
    return this.maps.ask<{ push: number }>(`limit ${(await this.slot(c)).slot} ${limit >>> 0}`);
  }

  async push(c: Connection): Promise<void> {
    await this.maps.ask(`push ${(await this.slot(c)).slot}`);
  }

  async flag(c: Connection, flags: number): Promise<void> {
    await this.maps.ask(`flag ${(await this.slot(c)).slot} ${flags}`);
  }

  /** The server's program reads exactly so many bytes. */
  async receive(c: Connection, bytes: number): Promise<void> {
    let left = bytes;
    await until(`${bytes} bytes read`, async () => {
      left -= (await this.server.ask<Transfer>(`recv ${c.server} ${left}`)).bytes;
      return left;
    }, (rest) => rest === 0);
  }
}
