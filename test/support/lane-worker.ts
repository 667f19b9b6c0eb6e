/* lane-worker.ts: the process behind a Lane (lanes.ts): records a program and replays the log, with
 * the engine of this tree, as often as it is asked. Its stdout is the program's.
 * The rule: an answer for each question, whatever happens; only a hang is for the lane to end. */
import { mkdirSync, rmSync } from 'node:fs';
import { record, replay } from '../../src/engine/index.js';
import { setLogLevel } from '../../src/log.js';
import type { Answer, Question } from './lanes.js';

async function answer({ command, cwd, log, env, schedule }: Question): Promise<Answer> {
  const { signal } = new AbortController();
  let step: Answer['step'] = 'record';
  try {
    process.send!({ step });
    const recorded = await record({
      command, cwd, env, outDir: log, schedule, json: true, evidence: true, signal,
    });
    step = 'replay';
    process.send!({ step });
    rmSync(cwd, { recursive: true, force: true }); // a replay has the log alone
    mkdirSync(cwd);
    const replayed = await replay({ dir: log, signal });
    return { step, recorded, replayed };
  } catch (error) {
    return { step, error: error instanceof Error ? error.message : String(error) };
  }
}

setLogLevel('warn');
process.on('message', (question: Question) => {
  void answer(question).then((result) => process.send!(result));
});
process.on('disconnect', () => process.exit(0));
