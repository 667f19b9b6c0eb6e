/* arp.ts: the frames that tell a network who has an address now (RFC 5227, RFC 826), and the
 * kernel's switch that decides whether we answer for it. Everything is made and opened beforehand:
 * in the failover path there is one send per frame and one write per switch. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { interfaceMac, packetSocket, type PacketSocket } from 'bpf-loader';
import { OperatingError, errnoOf } from '../errors.js';

const FRAME_BYTES = 60; // the shortest Ethernet frame, without its checksum
const AGAIN_MS = [20, 100, 500, 2000];
const BROADCAST = Buffer.alloc(6, 0xff);

/** A gratuitous ARP of `vip`: as a request (most listeners) or as a reply (some take only that). */
export function gratuitousArp(mac: Uint8Array, vip: string, kind: 'request' | 'reply'): Buffer {
  const frame = Buffer.alloc(FRAME_BYTES);
  const address = ipv4Bytes(vip);
  frame.set(BROADCAST, 0);
  frame.set(mac, 6);
  frame.writeUInt16BE(0x0806, 12);
  frame.writeUInt16BE(1, 14); // Ethernet
  frame.writeUInt16BE(0x0800, 16);
  frame[18] = 6;
  frame[19] = 4;
  frame.writeUInt16BE(kind === 'request' ? 1 : 2, 20);
  frame.set(mac, 22);
  frame.set(address, 28);
  frame.set(kind === 'reply' ? BROADCAST : Buffer.alloc(6), 32);
  frame.set(address, 38);
  return frame;
}

/** Asks who has `vip` without saying that we do: its sender has no address (RFC 5227, 1.1). */
export function arpProbe(mac: Uint8Array, vip: string): Buffer {
  const frame = gratuitousArp(mac, vip, 'request');
  frame.fill(0, 28, 32);
  return frame;
}

/** An IPv4 address in the order of the network. */
export function ipv4Bytes(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

const ignoreFile = (device: string): string => `/proc/sys/net/ipv4/conf/${device}/arp_ignore`;
/** The kernel takes the higher of the two. */
const ignoreDevices = (dev: string): string[] => ['all', dev];

/** What `arp_ignore` is now, to be put back at the end. */
export function readArpIgnore(dev: string): Map<string, string> {
  return new Map(ignoreDevices(dev).map((device) =>
    [device, readFileSync(ignoreFile(device), 'latin1').trim()]));
}

/** Ready to take an address over on one interface. */
export class Announcer {
  readonly #socket: PacketSocket;
  readonly #frames: Buffer[];
  readonly #switches: number[];
  #again: NodeJS.Timeout[] = [];

  constructor(dev: string, vip: string) {
    const mac = interfaceMac(dev);
    this.#frames = [gratuitousArp(mac, vip, 'request'), gratuitousArp(mac, vip, 'reply')];
    this.#socket = packetSocket(dev);
    try {
      this.#switches = ignoreDevices(dev).map((device) => openSync(ignoreFile(device), 'w'));
    } catch (cause) {
      throw new OperatingError(`cannot open ${ignoreFile(dev)}: is /proc/sys writable?`, {
        reason: errnoOf(cause), cause,
      });
    }
  }

  /** 1: answer for addresses of the interface itself only; 0: for all of this host's. */
  ignore(level: 0 | 1): void {
    for (const fd of this.#switches) writeSync(fd, `${level}\n`, 0);
  }

  /** Sends both frames. A network that is down now gets the next round. */
  announce(): void {
    for (const frame of this.#frames) {
      try {
        this.#socket.sendFrame(frame);
      } catch (error) {
        if (!/EAGAIN|ENOBUFS|ENETDOWN/.test(String((error as { code?: string }).code))) throw error;
      }
    }
  }

  /** Now and again for two seconds: the first may meet a switch that is still learning. */
  announceOften(): void {
    this.announce();
    this.#again = AGAIN_MS.map((ms) => setTimeout(() => this.announce(), ms));
  }

  close(): void {
    for (const timer of this.#again) clearTimeout(timer);
    this.#socket.close();
    for (const fd of this.#switches.splice(0)) closeSync(fd);
  }
}
