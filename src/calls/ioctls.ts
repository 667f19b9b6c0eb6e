// ioctls.ts: requests of ioctl whose number does not say what they write: the older ones, of
// terminals, files, disks and network interfaces. A newer request has direction and length in its
// number (include/uapi/asm-generic/ioctl.h). The shim carries as many bytes as are said here, and
// hs-trace names requests that nothing here speaks of.
// The rule: bytes are those the kernel writes behind the argument, never less.

export interface IoctlRequest {
  readonly request: number;
  readonly name: string;
  /** Written behind the argument when it succeeds. */
  readonly bytes: number;
  /** Its result is a new descriptor. */
  readonly makesFd: boolean;
}

const request = (number: number, name: string, bytes: number): IoctlRequest =>
  ({ request: number, name, bytes, makesFd: false });
const maker = (number: number, name: string): IoctlRequest =>
  ({ request: number, name, bytes: 0, makesFd: true });

export const ioctls: readonly IoctlRequest[] = [
  request(0x1, 'FIBMAP', 4),
  request(0x2, 'FIGETBSZ', 4),
  request(0x125e, 'BLKROGET', 4),
  request(0x1260, 'BLKGETSIZE', 8),
  request(0x1268, 'BLKSSZGET', 4),
  request(0x4b31, 'KDGETLED', 1),
  request(0x4b33, 'KDGKBTYPE', 1),
  request(0x4b3b, 'KDGETMODE', 4),
  request(0x4b44, 'KDGKBMODE', 4),
  request(0x4b62, 'KDGKBMETA', 4),
  request(0x4b64, 'KDGKBLED', 1),
  request(0x5401, 'TCGETS', 36),
  request(0x5402, 'TCSETS', 0),
  request(0x5403, 'TCSETSW', 0),
  request(0x5404, 'TCSETSF', 0),
  request(0x5405, 'TCGETA', 18),
  request(0x5406, 'TCSETA', 0),
  request(0x5407, 'TCSETAW', 0),
  request(0x5408, 'TCSETAF', 0),
  request(0x5409, 'TCSBRK', 0),
  request(0x540a, 'TCXONC', 0),
  request(0x540b, 'TCFLSH', 0),
  request(0x540c, 'TIOCEXCL', 0),
  request(0x540d, 'TIOCNXCL', 0),
  request(0x540e, 'TIOCSCTTY', 0),
  request(0x540f, 'TIOCGPGRP', 4),
  request(0x5410, 'TIOCSPGRP', 0),
  request(0x5411, 'TIOCOUTQ', 4),
  request(0x5412, 'TIOCSTI', 0),
  request(0x5413, 'TIOCGWINSZ', 8),
  request(0x5414, 'TIOCSWINSZ', 0),
  request(0x5415, 'TIOCMGET', 4),
  request(0x5416, 'TIOCMBIS', 0),
  request(0x5417, 'TIOCMBIC', 0),
  request(0x5418, 'TIOCMSET', 0),
  request(0x5419, 'TIOCGSOFTCAR', 4),
  request(0x541a, 'TIOCSSOFTCAR', 0),
  request(0x541b, 'FIONREAD', 4),
  request(0x541e, 'TIOCGSERIAL', 72),
  request(0x541f, 'TIOCSSERIAL', 0),
  request(0x5420, 'TIOCPKT', 0),
  request(0x5421, 'FIONBIO', 0),
  request(0x5422, 'TIOCNOTTY', 0),
  request(0x5424, 'TIOCGETD', 4),
  request(0x5425, 'TCSBRKP', 0),
  request(0x5427, 'TIOCSBRK', 0),
  request(0x5428, 'TIOCCBRK', 0),
  request(0x5429, 'TIOCGSID', 4),
  maker(0x5441, 'TIOCGPTPEER'),
  request(0x5450, 'FIONCLEX', 0),
  request(0x5451, 'FIOCLEX', 0),
  request(0x5452, 'FIOASYNC', 0),
  request(0x5456, 'TIOCGLCKTRMIOS', 36),
  request(0x5457, 'TIOCSLCKTRMIOS', 0),
  request(0x5459, 'TIOCSERGETLSR', 4),
  request(0x545c, 'TIOCMIWAIT', 0),
  request(0x545d, 'TIOCGICOUNT', 80),
  request(0x5460, 'FIOQSIZE', 8),
  request(0x5600, 'VT_OPENQRY', 4),
  request(0x5601, 'VT_GETMODE', 8),
  request(0x5603, 'VT_GETSTATE', 6),
  request(0x8901, 'FIOSETOWN', 0),
  request(0x8902, 'SIOCSPGRP', 0),
  request(0x8903, 'FIOGETOWN', 4),
  request(0x8904, 'SIOCGPGRP', 4),
  request(0x8905, 'SIOCATMARK', 4),
  request(0x8906, 'SIOCGSTAMP', 16),
  request(0x8907, 'SIOCGSTAMPNS', 16),
  maker(0xb701, 'NS_GET_USERNS'),
  maker(0xb702, 'NS_GET_PARENT'),
  // The entries it lists lie behind an address in it; hs_irr_ioctl carries those too.
  request(0x8912, 'SIOCGIFCONF', 16),
  // The extents it lists follow it; hs_irr_ioctl carries those too.
  request(0xc020660b, 'FS_IOC_FIEMAP', 32),
];

/** Requests 0x89..: a struct ifreq, which some of them write. */
export const interfaceType = 0x89;
export const interfaceBytes = 40;
/** Requests of these types have their direction and length in their number, and no addresses in
 * what they pass: terminals, disks, file flags, the random pool. */
const encodedTypes: readonly number[] = [0x12, 0x52, 0x54, 0x58, 0x66, 0x76];
/** Requests of struct ifreq with an address in it that the kernel writes to. */
const viaAddress: readonly number[] = [0x8946 /* SIOCETHTOOL */, 0x8947, 0x8948];

const byNumber = new Map(ioctls.map((each) => [each.request, each]));

/** What a request is called, or its number. */
export function ioctlName(number: number): string {
  return byNumber.get(number)?.name ?? `0x${number.toString(16)}`;
}

/** Whether all that the request writes is known to be carried. */
export function isCarried(number: number): boolean {
  if (byNumber.has(number)) return true;
  const type = (number >>> 8) & 0xff;
  if (number >>> 16 === 0) return type === interfaceType && !viaAddress.includes(number);
  return encodedTypes.includes(type);
}
