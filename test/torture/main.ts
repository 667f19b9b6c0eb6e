/* main.ts: what `npm run torture` runs. There is one torture so far: redis-kill. */
import './redis-kill.js';
