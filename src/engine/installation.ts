/* installation.ts: where the parts that are not TypeScript lie, for the engine.
 * The rule: found in one way by everybody: see src/installation.ts. */
export { builtFile } from '../installation.js';
