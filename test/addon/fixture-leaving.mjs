// Attaches to v0 and leaves without closing anything. Arguments: the object, and how it leaves.
import { open } from 'bpf-loader';

const object = open(process.argv[2]).load();
object.attach('hst_tc', { ifname: 'v0', direction: 'ingress' });
object.attach('hst_xdp', { ifname: 'v0' });
if (process.argv[3] === 'exit') process.exit(0);
