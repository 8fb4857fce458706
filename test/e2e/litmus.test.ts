/** A whole run with Litmus on the practice lab: an engine of the run's own, and one that somebody else starts and whose record is imported. */
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { awaitCondition } from '../../src/clients/await-condition.ts';
import { systemClock } from '../../src/clients/clock.ts';
import { createCustomObjectsPort } from '../../src/clients/custom-objects.ts';
import { createKubernetesPort } from '../../src/clients/kubernetes.ts';
import type { CustomObjectsPort } from '../../src/clients/ports.ts';
import type { LabConnection } from '../../src/model/connections.ts';
import type { Evaluation } from '../../src/model/evaluation.ts';
import { runCli, spawnCli } from '../support/cli.ts';
import { installLitmus, labUrl, postDefinition } from '../support/litmus-operator/install.ts';
import { ENGINES, JOBS, type Operator, RESULTS, startOperator } from '../support/litmus-operator/operator.ts';
import { shortPlan } from './short-plan.ts';

const LAB = `litmus-${process.pid}`;
const SPEED = 5;

describe('Litmus in a run', () => {
  let cwd: string;
  let objects: CustomObjectsPort;
  let operator: Operator | null = null;

  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'peakproof-litmus-'));
    const up = await runCli(['lab', 'up', '--detach', '--json', '--name', LAB, '--workers-min', '3', '--workers-max', '4'], {
      cwd,
    });
    expect(up.exitCode, up.stderr).toBe(0);
    await writeFile(join(cwd, 'lab.json'), up.stdout);
    const { kubeconfig, namespace } = JSON.parse(up.stdout) as LabConnection;
    objects = createCustomObjectsPort({ kubeconfig, namespace });
    const url = await labUrl(kubeconfig);
    await installLitmus(objects, async (definition) => expect((await postDefinition(url, definition)).status).toBe(201));
    const kubernetes = createKubernetesPort({ kubeconfig, namespace });
    operator = startOperator({ objects, kubernetes, clock: systemClock, speed: SPEED });
  });

  afterAll(async () => {
    await operator?.stop();
    const down = await runCli(['lab', 'down', '--name', LAB], { cwd });
    await rm(cwd, { recursive: true, force: true });
    expect(down.exitCode, down.stderr).toBe(0);
  });

  const evaluationOf = async (runDir: string) =>
    JSON.parse(await readFile(join(runDir, 'evaluation.json'), 'utf8')) as Evaluation;
  const recovery = (fault: string) => ({
    id: `back-after-${fault}`,
    kind: 'recovery',
    service: 'order-capture',
    fault,
    max: '20s',
    consecutive: 5,
    hold: '3s',
  });

  test('both faults are judged as kills of our own: at once, and once the record is imported', async () => {
    const plan = shortPlan({
      name: 'litmus',
      workers: { min: 3, max: 4 },
      disturbance: '62s',
      faults: [
        {
          id: 'by-us',
          kind: 'litmus/engine',
          at: '3s',
          experiment: 'pod-delete',
          serviceAccount: 'pod-delete',
          app: { label: 'app=erp' },
          for: '8s',
          interval: '4s',
          env: { FORCE: 'true' },
          proveWithin: '20s',
        },
        { id: 'by-others', kind: 'litmus/external', at: '28s', experiment: 'pod-delete', selector: 'app=erp' },
      ],
      objectives: [recovery('by-us'), recovery('by-others')],
    });
    await writeFile(join(cwd, 'plan.yaml'), plan);
    const running = spawnCli(['run', 'plan.yaml', '--lab', 'lab.json', '--json'], { cwd, timeoutMs: 300_000 });
    const runDir = await awaitCondition('our engine undone', () => undoneRun(cwd), {
      until: (dir) => dir !== null,
      timeoutMs: 150_000,
      clock: systemClock,
    });
    await objects.create(ENGINES, theirEngine());
    const run = await running;
    expect(run.exitCode, `${String(run.stdout)}\n${String(run.stderr)}`).toBe(2);
    if (runDir === null) throw new Error('no run folder');

    const before = await evaluationOf(runDir);
    const verdicts = ({ objectives }: Evaluation) => objectives.map(({ id, verdict }) => [id, verdict]);
    expect(verdicts(before)).toEqual([
      ['back-after-by-us', 'pass'],
      ['back-after-by-others', 'inconclusive'],
    ]);
    const ours = before.faults.find(({ fault }) => fault === 'by-us');
    expect(ours).toMatchObject({ proven: true, reverted: true });
    expect(ours?.evidence.join('\n')).toContain("Litmus' verdict Pass (Completed)");

    await writeFile(join(cwd, 'litmus.json'), JSON.stringify({ kind: 'List', items: await exported(objects) }));
    const imported = await runCli(['import', 'litmus', 'litmus.json', '--run', runDir], { cwd });
    expect(imported.exitCode, imported.stderr).toBe(0);
    expect(imported.stdout).toContain('fault by-others: shown to have happened');
    const evaluated = await runCli(['evaluate', runDir], { cwd });
    expect(evaluated.exitCode, evaluated.stdout).toBe(0);
    const after = await evaluationOf(runDir);
    expect(verdicts(after)).toEqual([
      ['back-after-by-us', 'pass'],
      ['back-after-by-others', 'pass'],
    ]);
    const theirs = after.faults.find(({ fault }) => fault === 'by-others');
    expect(Object.keys(theirs ?? {}).sort()).toEqual(
      Object.keys(ours ?? {})
        .filter((key) => key !== 'prediction')
        .sort(),
    );
    expect(theirs).toMatchObject({ proven: true, reverted: true });

    // Nothing of the run's own engine is left; what others made is theirs.
    const names = (list: Awaited<ReturnType<CustomObjectsPort['list']>>) => list.map(({ metadata }) => metadata?.name);
    expect(names(await objects.list(ENGINES))).toEqual(['their-engine']);
    expect(names(await objects.list(RESULTS))).toEqual(['their-engine-pod-delete']);
    expect(await objects.list(JOBS)).toHaveLength(1);
  });
});

const theirEngine = () => ({
  apiVersion: 'litmuschaos.io/v1alpha1',
  kind: 'ChaosEngine',
  metadata: { name: 'their-engine' },
  spec: {
    engineState: 'active',
    appinfo: { appns: 'erp', applabel: 'app=erp', appkind: 'deployment' },
    chaosServiceAccount: 'pod-delete',
    experiments: [
      {
        name: 'pod-delete',
        spec: {
          components: {
            env: [
              { name: 'FORCE', value: 'true' },
              { name: 'TOTAL_CHAOS_DURATION', value: '8' },
              { name: 'CHAOS_INTERVAL', value: '4' },
            ],
          },
        },
      },
    ],
  },
});

/** As `kubectl get chaosengine,chaosresult -o json`, once Litmus has judged. */
async function exported(objects: CustomObjectsPort) {
  return awaitCondition(
    'their engine completed',
    async () => [...(await objects.list(ENGINES)), ...(await objects.list(RESULTS))],
    {
      until: (items) => JSON.stringify(items).includes('"completed"'),
      timeoutMs: 60_000,
      clock: systemClock,
    },
  );
}

/** The run whose own engine has been taken away again. */
async function undoneRun(cwd: string): Promise<string | null> {
  try {
    const dir = await realpath(join(cwd, 'runs/latest'));
    return (await readFile(join(dir, 'journal.ndjson'), 'utf8')).includes('"fault-reverted"') ? dir : null;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
