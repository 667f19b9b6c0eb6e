// Run without privilege: tries to load. Argument: the object file. Says how it was refused.
import { features, open } from 'bpf-loader';

try {
  open(process.argv[2]).load();
} catch ({ code, message }) {
  console.log(JSON.stringify({ code, message, features: features() }));
}
