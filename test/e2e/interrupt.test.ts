/** Ctrl-C in the middle of a fault: reverted, judged, 130. */
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { awaitCondition } from '../../src/clients/await-condition.ts';
import { systemClock } from '../../src/clients/clock.ts';
import type { Evaluation } from '../../src/model/evaluation.ts';
import { spawnCli, withFolder, writePlan } from '../support/cli.ts';
import { FLOOD_REDIS, shortPlan } from './short-plan.ts';

test('Ctrl-C during a flood reverts it, judges what there is, and exits 130', async () => {
  await withFolder(async (cwd) => {
    const plan = shortPlan({
      name: 'interrupt',
      faults: [{ ...FLOOD_REDIS, for: '20s' }],
      objectives: [{ id: 'no-order-lost', kind: 'data-loss', service: 'order-capture' }],
    });
    const run = spawnCli(['run', await writePlan(cwd, plan), '--json'], { cwd });
    await awaitCondition('flood injected', () => readIfThere(join(cwd, 'runs/latest/journal.ndjson')), {
      until: (text) => text.includes('"fault-injected"'),
      timeoutMs: 120_000,
      clock: systemClock,
    });
    run.kill('SIGINT');
    const result = await run;
    expect(result.exitCode, String(result.stderr)).toBe(130);
    const runDir = await realpath(join(cwd, 'runs/latest'));
    const evaluation = JSON.parse(await readFile(join(runDir, 'evaluation.json'), 'utf8')) as Evaluation;
    expect(evaluation.interrupted).toBe(true);
    expect(evaluation.undoOpen).toEqual([]);
    expect(evaluation.faults[0]?.reverted).toBe(true);
    expect(await readIfThere(join(runDir, 'report.html'))).toContain('nterrupted');
  });
});

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}
