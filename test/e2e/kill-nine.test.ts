/** `kill -9` of the harness during each fault, then `peakproof rollback`: the lab is healthy, and the journal says what happened. */
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { awaitCondition } from '../../src/clients/await-condition.ts';
import { systemClock } from '../../src/clients/clock.ts';
import type { LabConnection } from '../../src/model/connections.ts';
import { readPlan } from '../../src/plan/read-plan.ts';
import { connectionsOf, type Doors, openDoors } from '../../src/run/connections.ts';
import { runCli, spawnCli } from '../support/cli.ts';
import { CRASH_PRIMARY, FLOOD_REDIS, KILL_ONE_WORKER, shortPlan } from './short-plan.ts';

describe('after kill -9 of the harness', () => {
  let cwd: string;
  let doors: Doors;

  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'peakproof-kill-'));
    const up = await runCli(
      [
        'lab',
        'up',
        '--detach',
        '--json',
        '--name',
        `kill-${process.pid}`,
        '--workers-min',
        '2',
        '--workers-max',
        '3',
        '--nodes',
        '2',
      ],
      { cwd },
    );
    expect(up.exitCode, up.stderr).toBe(0);
    await writeFile(join(cwd, 'lab.json'), up.stdout);
    const plan = readPlan(
      shortPlan({ name: 'kill', objectives: [{ id: 'x', kind: 'data-loss', service: 'order-capture' }] }),
      'plan',
    );
    doors = await openDoors(connectionsOf(plan, JSON.parse(up.stdout) as LabConnection), process.env);
  });

  afterAll(async () => {
    await doors?.close();
    const down = await runCli(['lab', 'down', '--name', `kill-${process.pid}`], { cwd });
    await rm(cwd, { recursive: true, force: true });
    expect(down.exitCode, down.stderr).toBe(0);
  });

  const faults = [
    ['kubernetes/kill-pods', { ...KILL_ONE_WORKER, repeat: { every: '4s', for: '20s' } }],
    ['postgres/failover', CRASH_PRIMARY],
    ['redis/flood memory', { ...FLOOD_REDIS, for: '20s' }],
    ['redis/flood connections', { ...FLOOD_REDIS, mode: 'connections', for: '20s' }],
    ['redis/flood blocking', { ...FLOOD_REDIS, mode: 'blocking', for: '20s', block: '500ms' }],
    ['kubernetes/drain-node', { id: 'drain', kind: 'kubernetes/drain-node', at: '3s', selector: 'app=erp', hold: '20s' }],
    [
      'kubernetes/rolling-update',
      {
        id: 'roll',
        kind: 'kubernetes/rolling-update',
        at: '3s',
        deployment: 'erp',
        change: 'bad-image',
        rollBack: 'never',
        hold: '20s',
      },
    ],
  ] as const;

  test.each(faults)('%s: rollback puts the lab back', async (name, fault) => {
    const planFile = join(cwd, 'plan.yaml');
    await writeFile(
      planFile,
      shortPlan({
        name: 'kill',
        baseline: '2s',
        faults: [fault],
        objectives: [{ id: 'x', kind: 'data-loss', service: 'order-capture' }],
      }),
    );
    const harness = spawnCli(['run', planFile, '--lab', 'lab.json'], { cwd });
    const previous = await latest(cwd);
    const runDir = await awaitCondition('fault injected', () => injectedRun(cwd, previous), {
      until: (dir) => dir !== undefined,
      timeoutMs: 90_000,
      clock: systemClock,
    });
    harness.kill('SIGKILL');
    await harness;
    if (runDir === undefined) throw new Error('no run folder');

    const rollback = await runCli(['rollback', runDir, '--json'], { cwd, timeoutMs: 120_000 });
    expect(rollback.exitCode, `${name}: ${rollback.stdout} ${rollback.stderr}`).toBe(0);
    expect((JSON.parse(rollback.stdout) as { readonly complete: boolean }).complete).toBe(true);
    expect(await readFile(join(runDir, 'journal.ndjson'), 'utf8')).toMatch(/rollback/);
    await expectHealthy(doors);

    const again = await runCli(['rollback', runDir], { cwd });
    expect(again.exitCode).toBe(0);
    expect(again.stdout).toContain('nothing is open');
  });
});

async function latest(cwd: string): Promise<string | undefined> {
  try {
    return await realpath(join(cwd, 'runs/latest'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function injectedRun(cwd: string, previous: string | undefined): Promise<string | undefined> {
  const dir = await latest(cwd);
  if (dir === undefined || dir === previous) return undefined;
  try {
    return (await readFile(join(dir, 'journal.ndjson'), 'utf8')).includes('"fault-injected"') ? dir : undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function expectHealthy({ faults: { kubernetes, patroni, redis } }: Doors): Promise<void> {
  if (kubernetes === undefined || patroni === undefined || redis === undefined) throw new Error('the lab has not every door');
  const deployment = await awaitCondition('workers ready', () => kubernetes.fetchDeployment('erp'), {
    until: ({ replicas, readyReplicas }) => replicas >= 2 && readyReplicas === replicas,
    timeoutMs: 30_000,
    clock: systemClock,
  });
  expect(deployment.readyReplicas).toBe(deployment.replicas);
  expect((await kubernetes.nodes.fetchNodes()).map(({ unschedulable }) => unschedulable)).toEqual([false, false]);
  expect((await kubernetes.rollouts.fetchRollout('erp')).containers).toMatchObject([{ image: 'peakproof-lab/erp' }]);
  const cluster = await awaitCondition('streaming standby', () => patroni.fetchCluster(), {
    until: ({ members }) =>
      members.some(({ role }) => role === 'primary') &&
      members.some(({ role, state }) => role !== 'primary' && state === 'streaming'),
    timeoutMs: 30_000,
    clock: systemClock,
  });
  expect(cluster.members).toHaveLength(2);
  const info = await redis.info();
  expect(Number(info.connected_clients)).toBeLessThan(60);
  const [, keys] = (await redis.command('SCAN', ['0', 'MATCH', 'peakproof:*', 'COUNT', 100_000])) as [string, string[]];
  expect(keys).toEqual([]);
}
