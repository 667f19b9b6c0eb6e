// The few things a takeover needs from the network that Node has no call for.
import { attempt, check, checkName } from './errors.js';
import { Handle } from './handle.js';
import { native } from './native.js';

const ethernetHeaderBytes = 14;

class PacketSocket extends Handle {
  #fd;
  #ifname;

  constructor(ifname, mark) {
    super(`the packet socket on ${ifname}`);
    this.#ifname = ifname;
    const ifindex = interfaceIndex(ifname);
    this.#fd = attempt(`packet socket on ${ifname}`, () => native.packetOpen(ifindex, mark));
  }

  sendFrame(frame) {
    this.checkOpen();
    check(frame instanceof Uint8Array && frame.length >= ethernetHeaderBytes,
      'frame must be bytes that begin with an Ethernet header');
    attempt(`send a frame on ${this.#ifname}`, () => native.packetSend(this.#fd, frame));
  }

  release() {
    native.fdClose(this.#fd);
  }
}

export function packetSocket(ifname, { mark = 0 } = {}) {
  check(Number.isInteger(mark) && mark >= 0 && mark <= 0xffffffff,
    `mark must be a 32-bit number, not ${String(mark)}`);
  return new PacketSocket(ifname, mark);
}

export function interfaceMac(ifname) {
  checkName(ifname, 'ifname');
  return attempt(`address of ${ifname}`, () => native.interfaceMac(ifname));
}

export function interfaceIndex(ifname) {
  checkName(ifname, 'ifname');
  return attempt(`find ${ifname}`, () => native.interfaceIndex(ifname));
}

/** libuv reads CLOCK_MONOTONIC for this: no call of our own is needed. */
export function monotonicNs() {
  return process.hrtime.bigint();
}
