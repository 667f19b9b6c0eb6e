// Inside a network namespace with the veth pair v0-v1: attaches to v0, sends frames out of v1, and
// says what was counted and what qdiscs and programs were there at each step. Argument: the object.
import { execFileSync } from 'node:child_process';
import { interfaceIndex, interfaceMac, open, packetSocket } from 'bpf-loader';

const run = (command, ...args) => execFileSync(command, args, { encoding: 'utf8' });
const hasClsact = () => run('tc', 'qdisc', 'show', 'dev', 'v0').includes('clsact');
const attachedXdp = () => run('ip', 'link', 'show', 'dev', 'v0').includes('prog/xdp');
const filters = (side) => run('tc', 'filter', 'show', 'dev', 'v0', side);

const said = { index: interfaceIndex('v0'), mac: interfaceMac('v0').toString('hex') };
const object = open(process.argv[2], { name: 'packets' }).load();
// hst counters in their order in .bss, found by name with bpftool's own reading of the BTF.
const counts = () => {
  const text = run('bpftool', '-j', 'map', 'dump', 'id', said.bssId);
  return Object.assign({}, ...JSON.parse(text)[0].formatted.value['.bss']);
};
const bss = object.maps.find(({ name }) => name.endsWith('.bss')).name;
const fdInfo = run('cat', `/proc/${process.pid}/fdinfo/${object.map(bss).fd}`);
said.bssId = /map_id:\s*(\d+)/.exec(fdInfo)[1];

function sendFrames(count) {
  const frame = Buffer.alloc(60);
  interfaceMac('v0').copy(frame, 0);
  interfaceMac('v1').copy(frame, 6);
  frame.writeUInt16BE(0x88b5, 12); // reserved for experiments
  const socket = packetSocket('v1');
  for (let i = 0; i < count; i++) socket.sendFrame(frame);
  socket.close();
  try {
    socket.sendFrame(frame);
  } catch ({ code }) {
    said.afterClose = code;
  }
}

// Attached, all three; frames are counted; one link of two on the qdisc is closed, then the other.
said.before = hasClsact();
const ingress = { ifname: 'v0', direction: 'ingress' };
const link = object.attach('hst_tc', { ...ingress, priority: 7, handle: 3 });
const egress = object.attach('hst_tc_egress', { ifname: 'v0', direction: 'egress' });
const xdp = object.attach('hst_xdp', { ifname: 'v0' });
said.during = hasClsact();
said.filter = /pref 7 .*handle 0x3 hst_tc/s.test(filters('ingress'));
said.xdp = attachedXdp();
const first = counts();
sendFrames(10);
const second = counts();
said.counted = { tc: second.by_tc - first.by_tc, xdp: second.by_xdp - first.by_xdp };
link.close();
said.afterOne = hasClsact();
egress.close();
xdp.close();
said.afterBoth = hasClsact();
said.xdpAfter = attachedXdp();
sendFrames(5);
said.countedAfter = counts().by_tc - second.by_tc;

// A qdisc made by somebody else stays; so does one of ours while a stranger's filter is on it.
run('tc', 'qdisc', 'add', 'dev', 'v0', 'clsact');
object.attach('hst_tc', ingress).close();
said.strangersQdisc = hasClsact();
run('tc', 'qdisc', 'del', 'dev', 'v0', 'clsact');
const ours = object.attach('hst_tc', ingress);
run('tc', ...`filter add dev v0 egress bpf da obj ${process.argv[2]} sec tc`.split(' '));
ours.close();
said.strangersFilter = filters('egress').includes('packets.bpf.o') && filters('ingress') === '';
run('tc', 'qdisc', 'del', 'dev', 'v0', 'clsact');

// A filter left behind is taken over; without `replace` the same place is refused.
const place = { ...ingress, priority: 9, handle: 1 };
object.attach('hst_tc', place);
try {
  object.attach('hst_tc', place);
} catch ({ code }) {
  said.twice = code;
}
const taken = object.attach('hst_tc', { ...place, replace: true });
taken.close();

// The interface goes while a link is on it.
object.attach('hst_tc', ingress);
run('ip', 'link', 'del', 'v0');
object.close();
try {
  interfaceIndex('v0');
} catch ({ code }) {
  said.gone = code;
}
console.log(JSON.stringify(said));
