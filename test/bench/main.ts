/* main.ts: what `npm run bench` runs. */
import './run.js';
