import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { packageRoot } from '../../../src/clients/package-root.ts';
import { type RunningLoad, runLoad } from '../../../src/load/run-load.ts';
import type { ScenarioSpec } from '../../../src/model/plan.ts';
import { aFlashSale } from '../../integration/load-fixtures.ts';

const program = (name: string) => join(packageRoot(), 'test/fixtures/k6-programs', name);
/** Nothing to wait for: the fixtures end at once. */
const noLength = [aFlashSale({ stages: [{ ratePerSecond: 1, durationMs: 1 }] })];

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'peakproof-unit-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

interface Given {
  readonly scenarios?: readonly ScenarioSpec[];
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly runnerDir?: string;
}

const start = (name: string, given: Given = {}): Promise<RunningLoad> =>
  runLoad({
    k6: { path: program(name), version: '2.2.0' },
    runner: 'local-1',
    runnerDir: given.runnerDir ?? join(dir, 'load'),
    input: {
      schemaVersion: 1,
      runId: 'run-1',
      seed: 1,
      odoo: { url: 'http://127.0.0.1:1', database: 'd', login: 'l' },
      catalogueFile: 'catalogue.json',
      scenarios: given.scenarios ?? noLength,
    },
    password: 'secret-word',
    env: { PATH: process.env.PATH, ...given.env },
    stopGraceMs: 50,
    ...(given.signal === undefined ? {} : { signal: given.signal }),
  });

describe('a k6 that', () => {
  test('ends well leaves a record of what was planned and when it started', async () => {
    const load = await start('prints-summary');
    expect(await load.started).toBe(1_795_366_409_660);
    expect(await load.ended).toMatchObject({ exitCode: 0, detail: 'complete', problem: null, scriptErrors: 0 });
    expect(JSON.parse(await readFile(join(dir, 'load/runner.json'), 'utf8'))).toMatchObject({
      schemaVersion: 1,
      runner: 'local-1',
      startedAt: 1_795_366_409_660,
      planned: [{ scenario: 'sale', iterations: 0 }],
      k6Version: '2.2.0',
    });
  });

  test('hangs is killed once its grace is over, and a stop asked for is no problem', async () => {
    const stop = new AbortController();
    const load = await start('hangs', { signal: stop.signal });
    await load.started;
    stop.abort();
    expect(await load.ended).toMatchObject({ signal: 'SIGKILL', detail: 'stopped by the harness', problem: null });
  });

  test('ends well but much too early is a problem', async () => {
    const scenarios = [aFlashSale({ stages: [{ ratePerSecond: 1, durationMs: 3_000_000_000_000 }] })];
    const end = await (await start('prints-summary', { scenarios })).ended;
    expect(end.problem).toMatchObject({ code: 'ERR_K6_FAILED', message: expect.stringMatching(/ended after .* of a load of/) });
  });

  test.each([
    ['99', null, 'thresholds failed'],
    ['104', 'ERR_K6_FAILED', 'refused its configuration'],
    ['109', 'ERR_K6_FAILED', 'crashed'],
    ['77', 'ERR_K6_FAILED', 'unknown exit code 77'],
  ] as const)('exits with %s', async (exit, code, detail) => {
    const end = await (await start('exits-99', { env: { FIXTURE_EXIT: exit } })).ended;
    expect(end.problem?.code ?? null).toBe(code);
    expect(end.detail).toContain(detail);
  });

  test('prints garbage is read as far as it can be: script errors counted, the full disk named', async () => {
    const load = await start('prints-garbage');
    const end = await load.ended;
    expect(end).toMatchObject({ scriptErrors: 1, problem: { code: 'ERR_DISK' } });
    await expect(load.started).rejects.toMatchObject({ code: 'ERR_DISK' });
  });

  test('cannot be started says so', async () => {
    const load = await start('is-not-there');
    await expect(load.started).rejects.toMatchObject({
      code: 'ERR_K6_FAILED',
      message: expect.stringContaining('could not be started'),
    });
  });
});

test("the password is in the environment only, and k6 options of the user's environment are not", async () => {
  const load = await start('sees-environment', { env: { K6_VUS: '7', K6_DURATION: '1s', KEPT: 'yes' } });
  await load.ended;
  const seen = await readFile(join(dir, 'load/environment.txt'), 'utf8');
  expect(seen).toContain('PEAKPROOF_ODOO_PASSWORD=secret-word');
  expect(seen).toContain('K6_CSV_TIME_FORMAT=unix_micro');
  expect(seen).toContain('KEPT=yes');
  expect(seen).not.toMatch(/K6_VUS|K6_DURATION/);
  const others = await Promise.all(
    ['arguments.txt', 'load.json', 'runner.json', 'k6.log'].map((name) => readFile(join(dir, 'load', name), 'utf8')),
  );
  expect(others.join()).not.toContain('secret-word');
  expect(others[0]).toContain('--no-usage-report');
});

test('a folder that cannot be written is an error before anything starts', async () => {
  await writeFile(join(dir, 'file'), '');
  await expect(start('prints-summary', { runnerDir: join(dir, 'file', 'load') })).rejects.toMatchObject({ code: 'ERR_DISK' });
});
