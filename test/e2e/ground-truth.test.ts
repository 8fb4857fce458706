/** The measuring held against a truth that the lab knows by itself: frozen spans, dropped rows, a frozen walsender. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { awaitCondition } from '../../src/clients/await-condition.ts';
import { systemClock } from '../../src/clients/clock.ts';
import { packageRoot } from '../../src/clients/package-root.ts';
import type { LabConnection } from '../../src/model/connections.ts';
import type { Evaluation } from '../../src/model/evaluation.ts';
import type { LedgerRow, LedgerWrite } from '../../src/model/run-records.ts';
import { runCli, spawnCli } from '../support/cli.ts';
import { CRASH_PRIMARY, shortPlan } from './short-plan.ts';

type Lab = LabConnection & { readonly controlUrl: string; readonly sabotageLog: string };

let cwd: string;
let labName: string;
let count = 0;

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'peakproof-truth-'));
  count += 1;
  labName = `truth-${process.pid}-${count}`;
});

afterEach(async () => {
  const down = await runCli(['lab', 'down', '--name', labName], { cwd });
  await rm(cwd, { recursive: true, force: true });
  expect(down.exitCode, down.stderr).toBe(0);
});

async function labUp(...options: readonly string[]): Promise<Lab> {
  const up = await runCli(
    ['lab', 'up', '--detach', '--json', '--name', labName, '--workers-min', '2', '--workers-max', '3', ...options],
    { cwd },
  );
  expect(up.exitCode, up.stderr).toBe(0);
  await writeFile(join(cwd, 'lab.json'), up.stdout);
  return JSON.parse(up.stdout) as Lab;
}

async function judged(plan: string): Promise<{ readonly runDir: string; readonly evaluation: Evaluation }> {
  await writeFile(join(cwd, 'plan.yaml'), plan);
  return finished(await runCli(['run', 'plan.yaml', '--lab', 'lab.json', '--json'], { cwd, timeoutMs: 300_000 }));
}

async function finished(result: { readonly stdout: string; readonly stderr: string; readonly exitCode: number }) {
  if (result.stdout === '') throw new Error(`no run: exit ${result.exitCode}\n${result.stderr}`);
  const { runDir } = JSON.parse(result.stdout) as { readonly runDir: string };
  return { runDir, evaluation: JSON.parse(await readFile(join(runDir, 'evaluation.json'), 'utf8')) as Evaluation };
}

async function ndjson<T>(path: string): Promise<T[]> {
  return (await readFile(path, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

describe('recovery time', () => {
  /**
   * The path that thaws has every probe of the freeze to answer first. The interval is chosen so that this backlog (20 probes
   * after 20 s) drains well within one interval: until it has, the service is not back, whatever the path does.
   */
  const PROBE_INTERVAL_MS = 1_000;
  /** An answer slower than this is bad: a probe sent that long before the thaw is already a good one. Below the interval. */
  const SLOW_MS = 600;

  test('agrees with known freezes of 2, 7 and 20 s within one probe interval', async () => {
    const lab = await labUp();
    const freeze = (ms: number) => [
      process.execPath,
      join(packageRoot(), 'test/fixtures/freeze-database-path.mjs'),
      lab.controlUrl,
      String(ms),
    ];
    const fault = (id: string, mode: string, at: string) => ({
      id,
      kind: 'postgres/failover',
      mode,
      at,
      proveWithin: '1s',
      revertWithin: '30s',
    });
    const user = new URL(lab.postgresUrl);
    user.username = lab.postgresUser;
    const { evaluation } = await judged(
      shortPlan({
        name: 'freezes',
        disturbance: '60s',
        scenarios: [{ id: 'flash-sale', kind: 'flash-sale', stages: [{ ratePerSecond: 0.2, for: '80s' }] }],
        faults: [fault('two', 'switchover', '2s'), fault('seven', 'crash', '12s'), fault('twenty', 'failover', '28s')],
        objectives: ['two', 'seven', 'twenty'].map((id) => ({
          id: `after-${id}`,
          kind: 'recovery',
          service: 'order-capture',
          fault: id,
          max: '30s',
          hold: '2s',
          consecutive: 3,
          throughputRatio: 0.5,
          p95Factor: 20,
        })),
        extra: {
          target: {
            kind: 'odoo',
            url: lab.odooUrl,
            database: lab.database,
            login: lab.login,
            password: { file: lab.passwordFile },
          },
          guard: { hosts: ['127.0.0.1'], databases: [lab.database] },
          postgres: {
            driver: 'command',
            connection: { url: user.href, password: { file: lab.postgresPasswordFile } },
            commands: { switchover: freeze(2_000), crash: freeze(7_000), failover: freeze(20_000) },
          },
          probes: [{ service: 'order-capture', interval: `${PROBE_INTERVAL_MS}ms`, timeout: '40s', slow: `${SLOW_MS}ms` }],
        },
      }),
    );
    const state = (await (await fetch(`${lab.controlUrl}/state`)).json()) as {
      readonly network: {
        readonly database: { readonly freezes: readonly { readonly frozenAt: number; readonly thawedAt: number }[] };
      };
    };
    const { freezes } = state.network.database;
    expect(freezes).toHaveLength(3);
    for (const [index, id] of ['two', 'seven', 'twenty'].entries()) {
      const bracket = evaluation.recoveries.find(({ fault: of }) => of === id);
      const span = freezes[index];
      if (bracket?.recoveryMs === undefined || bracket.recoveryMs === null || span === undefined)
        throw new Error(`no recovery measured after "${id}"`);
      const truthMs = span.thawedAt - bracket.injectedAt;
      expect(
        Math.abs(bracket.recoveryMs - truthMs),
        `${id}: measured ${bracket.recoveryMs} ms, true ${truthMs} ms`,
      ).toBeLessThanOrEqual(PROBE_INTERVAL_MS);
    }
    // A frozen path is no failover: what was not proven must not be called resilience.
    expect(evaluation.verdict).toBe('inconclusive');
  });
});

describe('lost writes', () => {
  test('exactly the rows that the lab dropped are reported, by key', async () => {
    const lab = await labUp('--sabotage', 'lose-acknowledged-writes=5');
    const { evaluation } = await judged(
      shortPlan({ name: 'dropped', objectives: [{ id: 'no-order-lost', kind: 'data-loss', service: 'order-capture' }] }),
    );
    const dropped = (await ndjson<{ readonly key: string }>(lab.sabotageLog)).map(({ key }) => key);
    const lost = new Set(evaluation.dataLoss.flatMap(({ lostKeys }) => lostKeys.map(({ key }) => key)));
    expect(dropped).toHaveLength(5);
    expect([...lost].sort()).toEqual([...dropped].sort());
    expect(evaluation.objectives[0]).toMatchObject({ verdict: 'fail', measured: 5 });
  });

  test('an asynchronous failover with a frozen walsender reports the same lost keys as SQL does', async () => {
    const lab = await labUp();
    await writeFile(
      join(cwd, 'plan.yaml'),
      shortPlan({
        name: 'frozen-walsender',
        disturbance: '35s',
        faults: [{ ...CRASH_PRIMARY, at: '5s' }],
        scenarios: [{ id: 'flash-sale', kind: 'flash-sale', stages: [{ ratePerSecond: 4, for: '56s' }] }],
        objectives: [{ id: 'no-order-lost', kind: 'data-loss', service: 'order-capture' }],
      }),
    );
    const run = spawnCli(['run', 'plan.yaml', '--lab', 'lab.json', '--json'], { cwd, timeoutMs: 300_000 });
    await awaitCondition('disturbance', () => readIfThere(join(cwd, 'runs/latest/journal.ndjson')), {
      until: (text) => text.includes('"disturbance"'),
      timeoutMs: 120_000,
      clock: systemClock,
    });
    await systemClock.sleep(3_000);
    const frozen = await freezeWalsenders(lab);
    expect(frozen.length).toBeGreaterThan(0);
    const result = await run;
    const { runDir, evaluation } = await finished({
      stdout: String(result.stdout ?? ''),
      stderr: String(result.stderr ?? ''),
      exitCode: result.exitCode ?? -1,
    });

    const acknowledged = (await ndjson<LedgerRow>(join(runDir, 'ledger.ndjson'))).filter(
      (row): row is LedgerWrite => row.row === 'write' && row.model === 'sale.order' && row.outcome === 'ok',
    );
    const stored = await ordersInDatabase(lab);
    const truly = acknowledged.filter(
      ({ key, effect }) => !(stored.get(key) ?? []).some((state) => FITS[effect]?.includes(state)),
    );
    const missing = new Set(truly.map(({ key }) => key));
    const lost = evaluation.dataLoss.find(({ service }) => service === 'order-capture')?.lostKeys ?? [];
    expect(missing.size, 'the frozen walsender lost something').toBeGreaterThan(0);
    expect([...new Set(lost.map(({ key }) => key))].sort()).toEqual([...missing].sort());
    expect(evaluation.objectives[0]?.verdict).toBe('fail');
  });
});

async function freezeWalsenders(lab: Lab): Promise<number[]> {
  const state = (await (await fetch(`${lab.controlUrl}/state`)).json()) as {
    readonly postgres: readonly { readonly walsenderPids: readonly number[] }[];
  };
  const pids = state.postgres.flatMap(({ walsenderPids }) => walsenderPids);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  return pids;
}

/** States in which an order still shows what was acknowledged. */
const FITS: Readonly<Record<string, readonly string[]>> = {
  create: ['draft', 'sent', 'sale', 'done', 'cancel'],
  confirm: ['sale', 'done', 'cancel'],
  cancel: ['cancel'],
};

/** States of the orders under each key, by SQL. */
async function ordersInDatabase(lab: Lab): Promise<Map<string, string[]>> {
  const url = new URL(lab.postgresUrl);
  url.username = lab.postgresUser;
  url.password = (await readFile(lab.postgresPasswordFile, 'utf8')).trim();
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    const { rows } = await client.query<{ client_order_ref: string; state: string }>(
      'select client_order_ref, state from sale_order where client_order_ref is not null',
    );
    const found = new Map<string, string[]>();
    for (const { client_order_ref: key, state } of rows) found.set(key, [...(found.get(key) ?? []), state]);
    return found;
  } finally {
    await client.end();
  }
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}
