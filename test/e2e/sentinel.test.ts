/** A whole run that moves the master of a real Redis under Sentinel: what clients felt and what they lost are two verdicts. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prefixPattern, scanKeys } from '../../chaos/redis/keys.ts';
import { createRedisPort } from '../../src/clients/redis.ts';
import type { LabConnection } from '../../src/model/connections.ts';
import type { Evaluation } from '../../src/model/evaluation.ts';
import type { LedgerRow } from '../../src/model/run-records.ts';
import { runCli } from '../support/cli.ts';
import { type RedisTrio, startRedisTrio } from '../support/redis-trio.ts';
import { shortPlan } from './short-plan.ts';

const LAB = `sentinel-${process.pid}`;

describe('redis/sentinel-failover in a run', () => {
  let cwd: string;
  let trio: RedisTrio;

  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'peakproof-sentinel-'));
    trio = await startRedisTrio();
    const up = await runCli(['lab', 'up', '--detach', '--json', '--name', LAB, '--workers-min', '2', '--workers-max', '3'], {
      cwd,
    });
    expect(up.exitCode, up.stderr).toBe(0);
    const passwordFile = (name: string) => join(cwd, `${name}.password`);
    await writeFile(passwordFile('server'), trio.env.TRIO_SERVER_PASSWORD ?? '', { mode: 0o600 });
    await writeFile(passwordFile('sentinel'), trio.env.TRIO_SENTINEL_PASSWORD ?? '', { mode: 0o600 });
    const { sentinels } = trio.target;
    const lab: LabConnection = {
      ...(JSON.parse(up.stdout) as LabConnection),
      redisUrl: trio.target.url,
      redisPasswordFile: passwordFile('server'),
      redisSentinels: {
        urls: sentinels?.urls ?? [],
        master: sentinels?.master ?? '',
        passwordFile: passwordFile('sentinel'),
      },
    };
    await writeFile(join(cwd, 'lab.json'), JSON.stringify(lab));
  });

  afterAll(async () => {
    const down = await runCli(['lab', 'down', '--name', LAB], { cwd });
    await trio?.stop();
    await rm(cwd, { recursive: true, force: true });
    expect(down.exitCode, down.stderr).toBe(0);
  });

  async function judged(mode: 'planned' | 'safe-planned') {
    const plan = shortPlan({
      name: mode,
      faults: [{ id: 'move', kind: 'redis/sentinel-failover', mode, at: '3s', proveWithin: '15s', revertWithin: '30s' }],
      objectives: [
        { id: 'sessions-back', kind: 'recovery', service: 'session-store', fault: 'move', max: '5s', consecutive: 5, hold: '3s' },
        { id: 'sessions-kept', kind: 'data-loss', service: 'session-store' },
      ],
      extra: { probes: [{ service: 'session-store', interval: '50ms', timeout: '20s', slow: '500ms' }] },
    });
    await writeFile(join(cwd, 'plan.yaml'), plan);
    await trio.awaitWhole();
    const run = await runCli(['run', 'plan.yaml', '--lab', 'lab.json', '--json'], { cwd, timeoutMs: 300_000 });
    if (run.stdout === '') throw new Error(`no run: exit ${run.exitCode}\n${run.stderr}`);
    const { runDir } = JSON.parse(run.stdout) as { readonly runDir: string };
    const evaluation = JSON.parse(await readFile(join(runDir, 'evaluation.json'), 'utf8')) as Evaluation;
    const objective = (id: string) => evaluation.objectives.find((candidate) => candidate.id === id);
    return { ...run, runDir, evaluation, objective };
  }

  /** Keys of sessions that neither read-back found, counted from the file itself. */
  async function lostInLedger(runDir: string): Promise<readonly string[]> {
    const rows = (await readFile(join(runDir, 'ledger.ndjson'), 'utf8')).trim().split('\n');
    const ledger = rows.slice(1).map((line) => JSON.parse(line) as LedgerRow);
    const seen = new Map<string, number>();
    for (const row of ledger) {
      if (row.row === 'read-back' && row.model === 'redis.session') seen.set(row.key, (seen.get(row.key) ?? 0) + row.count);
    }
    const acknowledged = ledger.flatMap((row) => (row.row === 'write' && row.outcome === 'ok' ? [row.key] : []));
    return acknowledged.filter((key) => seen.get(key) === 0).toSorted();
  }

  async function sessionsLeft(): Promise<number> {
    let left = 0;
    for (const port of trio.serverPorts) {
      const server = createRedisPort({ url: `redis://127.0.0.1:${port}`, password: trio.env.TRIO_SERVER_PASSWORD ?? '' });
      try {
        for await (const keys of scanKeys(server, prefixPattern('peakproof:'))) left += keys.length;
      } finally {
        await server.close();
      }
    }
    return left;
  }

  test('planned: the service is back at once, and the ledger says how many sessions are gone', async () => {
    const { exitCode, runDir, evaluation, objective, stderr } = await judged('planned');
    expect(objective('sessions-back'), stderr).toMatchObject({ verdict: 'pass' });
    const lost = await lostInLedger(runDir);
    expect(objective('sessions-kept')).toMatchObject({ verdict: 'fail', measured: lost.length, unit: 'writes' });
    expect(lost.length).toBeGreaterThan(50);
    const summary = evaluation.dataLoss.find(({ service }) => service === 'session-store');
    expect(summary?.lostKeys.map(({ key }) => key).toSorted()).toEqual(lost);
    expect(evaluation.faults).toMatchObject([{ fault: 'move', proven: true, reverted: true }]);
    expect(evaluation.timeline.series.find(({ name }) => name === 'masters')?.values).toContain(2);
    expect(evaluation.environment.redis?.sentinel).toMatchObject({ sentinels: 3, quorum: 2, replicas: 2 });
    expect([evaluation.verdict, exitCode]).toEqual(['fail', 1]);
    expect(await sessionsLeft()).toBe(0);
  });

  test('safe-planned: the same move with writes paused loses nothing and passes', async () => {
    const { exitCode, runDir, evaluation, objective } = await judged('safe-planned');
    expect(objective('sessions-kept')).toMatchObject({ verdict: 'pass', measured: 0 });
    expect(await lostInLedger(runDir)).toEqual([]);
    expect(objective('sessions-back')?.verdict).toBe('pass');
    expect([evaluation.verdict, exitCode]).toEqual(['pass', 0]);
  });
});
