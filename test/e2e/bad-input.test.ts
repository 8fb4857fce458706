/** Bad input: a clear sentence with the place and the way out, the right exit code, and nothing touched. */
import { appendFile, cp, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabConnection } from '../../src/model/connections.ts';
import { runCli } from '../support/cli.ts';
import { KILL_ONE_WORKER, shortPlan } from './short-plan.ts';

const OBJECTIVES = [{ id: 'no-order-lost', kind: 'data-loss', service: 'order-capture' }];

describe('bad input', () => {
  let cwd: string;
  let lab: LabConnection;

  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'peakproof-bad-'));
    const up = await runCli(
      ['lab', 'up', '--detach', '--json', '--name', `bad-${process.pid}`, '--workers-min', '1', '--workers-max', '2'],
      { cwd },
    );
    expect(up.exitCode, up.stderr).toBe(0);
    await writeFile(join(cwd, 'lab.json'), up.stdout);
    lab = JSON.parse(up.stdout) as LabConnection;
  });

  afterAll(async () => {
    await runCli(['lab', 'down', '--name', `bad-${process.pid}`], { cwd });
    await rm(cwd, { recursive: true, force: true });
  });

  const odooPlan = (
    change: Partial<Record<'url' | 'database' | 'password', unknown>> = {},
    extra: Readonly<Record<string, unknown>> = {},
  ) =>
    shortPlan({
      name: 'bad',
      objectives: OBJECTIVES,
      extra: {
        target: {
          kind: 'odoo',
          url: change.url ?? lab.odooUrl,
          database: change.database ?? lab.database,
          login: lab.login,
          password: change.password ?? { file: lab.passwordFile },
        },
        guard: { hosts: ['127.0.0.1'], databases: [lab.database, 'nope'], contexts: [lab.context], namespaces: [lab.namespace] },
        ...extra,
      },
    });

  async function run(plan: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    const file = join(cwd, 'plan.yaml');
    await writeFile(file, plan);
    return runCli(['run', file, ...args], { cwd, env, timeoutMs: 120_000 });
  }

  test('several mistakes in one plan are all named, with line and column; exit 3', async () => {
    const { exitCode, stderr } = await run(
      shortPlan({ name: 'bad', objectives: OBJECTIVES })
        .replace('warmUp: 3s', 'warmUp: 3 secs')
        .replace('seed: 7', 'seed: 7\nsedd: 8'),
    );
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/plan\.yaml:\d+:\d+ sedd: is not a key/);
    expect(stderr).toMatch(/plan\.yaml:\d+:\d+ phases\.warmUp: "3 secs" is not a duration/);
  });

  test('a target that is down', async () => {
    const { exitCode, stderr } = await run(odooPlan({ url: 'http://127.0.0.1:9' }));
    expect(exitCode).toBe(5);
    expect(stderr).toContain('ERR_TARGET_UNREACHABLE');
    expect(stderr).toContain('http://127.0.0.1:9');
  });

  test('a wrong password, which is not repeated', async () => {
    const { exitCode, stderr } = await run(odooPlan({ password: { env: 'PEAKPROOF_TEST_PASSWORD' } }), [], {
      PEAKPROOF_TEST_PASSWORD: 'not-the-password',
    });
    expect(exitCode).toBe(5);
    expect(stderr).toContain('ERR_AUTHENTICATION');
    expect(stderr).not.toContain('not-the-password');
  });

  test('a password variable that is not set is named; exit 3', async () => {
    const { exitCode, stderr } = await run(odooPlan({ password: { env: 'PEAKPROOF_TEST_UNSET' } }));
    expect(exitCode).toBe(3);
    expect(stderr).toContain('PEAKPROOF_TEST_UNSET');
  });

  test('a wrong database', async () => {
    const { exitCode, stderr } = await run(odooPlan({ database: 'nope' }));
    expect(exitCode).toBe(5);
    expect(stderr).toContain('ERR_DATABASE_MISSING');
    expect(stderr).toContain('"nope"');
  });

  test('a host that is not on the allow-list is refused before anything is asked; exit 3', async () => {
    const { exitCode, stderr } = await run(odooPlan({ url: 'http://127.0.0.2:9' }));
    expect(exitCode).toBe(3);
    expect(stderr).toContain('ERR_GUARD');
    expect(stderr).toContain('127.0.0.2');
  });

  test('a selector that matches no pod; exit 3', async () => {
    const { exitCode, stderr } = await run(
      shortPlan({ name: 'bad', faults: [{ ...KILL_ONE_WORKER, selector: 'app=nobody' }], objectives: OBJECTIVES }),
      ['--lab', 'lab.json'],
    );
    expect(exitCode).toBe(3);
    expect(stderr).toContain('ERR_SELECTOR_EMPTY');
    expect(stderr).toContain('app=nobody');
  });

  test('a blast radius that would be exceeded; exit 3', async () => {
    const { exitCode, stderr } = await run(
      shortPlan({ name: 'bad', faults: [{ ...KILL_ONE_WORKER, maxAffected: '10%' }], objectives: OBJECTIVES }),
      ['--lab', 'lab.json'],
    );
    expect(exitCode).toBe(3);
    expect(stderr).toContain('ERR_BLAST_RADIUS');
  });

  test('a k6 that is too old is refused by its version', async () => {
    const bin = join(cwd, 'bin');
    await mkdir(bin, { recursive: true });
    await writeFile(join(bin, 'k6'), '#!/bin/sh\necho "k6 v0.30.0 (go1.15, linux/amd64)"\n', { mode: 0o755 });
    const { exitCode, stdout } = await runCli(['doctor', '--json'], {
      cwd,
      env: { PATH: `${bin}:${process.env.PATH}`, PEAKPROOF_CACHE: join(cwd, 'empty-cache'), PEAKPROOF_OFFLINE: '1' },
    });
    expect(stdout).toMatch(/0\.30\.0/);
    expect([0, 5]).toContain(exitCode);
  });

  test('a k6 that dies at its start ends the run at once, with what it said; exit 5', async () => {
    const bin = join(cwd, 'dying-bin');
    await mkdir(bin, { recursive: true });
    const says = 'case "$1" in version) echo "k6 v2.2.0 (go1.26, linux/amd64)";; *) echo "no such thing" >&2; exit 107;; esac';
    await writeFile(join(bin, 'k6'), `#!/bin/sh\n${says}\n`, { mode: 0o755 });
    const { exitCode, stderr } = await run(
      shortPlan({ name: 'bad', objectives: OBJECTIVES }),
      ['--lab', 'lab.json', '--runs', join(cwd, 'dying')],
      { PATH: `${bin}:${process.env.PATH}` },
    );
    expect(exitCode, stderr).toBe(5);
    expect(stderr).toContain('107');
  });

  test('a disk that is full, or a folder that cannot be written', async () => {
    await writeFile(join(cwd, 'a-file'), 'x');
    const { exitCode, stderr } = await run(shortPlan({ name: 'bad', objectives: OBJECTIVES }), [
      '--lab',
      'lab.json',
      '--runs',
      join(cwd, 'a-file', 'runs'),
    ]);
    expect(exitCode).toBe(5);
    expect(stderr).toContain('ERR_DISK');
  });

  test('a port that is taken is named, with the way out, and nothing is left behind', async () => {
    const { port } = new URL(lab.odooUrl);
    const up = await runCli(['lab', 'up', '--detach', '--json', '--name', `taken-${process.pid}`, '--port', port], { cwd });
    expect(up.exitCode).toBe(5);
    expect(up.stderr).toContain(`port ${port} on 127.0.0.1 is taken`);
    expect(up.stderr).toContain('leave --port out');
    const status = await runCli(['lab', 'status', '--json'], { cwd });
    expect(status.stdout).not.toContain(`taken-${process.pid}`);
  });

  test('an unknown command and an unknown option say so; exit 3', async () => {
    expect(await runCli(['runn'], { cwd })).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining("unknown command 'runn'"),
    });
    expect(await runCli(['run', 'demo', '--faster'], { cwd })).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining("unknown option '--faster'"),
    });
  });

  test('what could not be undone beats the verdict: exit 4, said by every report and by rollback', async () => {
    const user = new URL(lab.postgresUrl);
    user.username = lab.postgresUser;
    const plan = odooPlan(
      {},
      {
        postgres: {
          driver: 'command',
          connection: { url: user.href, password: { file: lab.postgresPasswordFile } },
          commands: { switchover: ['true'], rejoin: ['false'] },
        },
        faults: [
          { id: 'not-undone', kind: 'postgres/failover', mode: 'switchover', at: '1s', proveWithin: '1s', revertWithin: '3s' },
        ],
        phases: { warmUp: '1s', baseline: '3s', disturbance: '8s', recovery: '29s', settle: '2s' },
        load: { scenarios: [{ id: 'flash-sale', kind: 'flash-sale', stages: [{ ratePerSecond: 1, for: '41s' }] }] },
      },
    );
    const result = await run(plan, ['--json']);
    expect(result.exitCode, result.stderr).toBe(4);
    const { runDir } = JSON.parse(result.stdout) as { readonly runDir: string };
    expect(await readFile(join(runDir, 'summary.md'), 'utf8')).toMatch(/not undone|undo/i);
    expect((await runCli(['rollback', runDir], { cwd, env: { PEAKPROOF_TIMEOUTS: '{"rollbackRevert":3000}' } })).exitCode).toBe(
      4,
    );
  });

  describe('a damaged run folder', () => {
    let runDir: string;
    let evaluated: string;

    beforeAll(async () => {
      const result = await run(shortPlan({ name: 'good', objectives: OBJECTIVES, disturbance: '6s' }), [
        '--lab',
        'lab.json',
        '--json',
      ]);
      expect(result.stdout, result.stderr).not.toBe('');
      runDir = (JSON.parse(result.stdout) as { readonly runDir: string }).runDir;
      evaluated = await readFile(join(runDir, 'evaluation.json'), 'utf8');
    }, 120_000);

    async function damaged(damage: (dir: string) => Promise<void>) {
      const dir = await mkdtemp(join(cwd, 'damaged-'));
      await cp(runDir, dir, { recursive: true });
      await damage(dir);
      return { dir, result: await runCli(['evaluate', dir], { cwd }) };
    }

    test('whole, it evaluates to the same bytes', async () => {
      const { dir } = await damaged(async () => undefined);
      expect(await readFile(join(dir, 'evaluation.json'), 'utf8')).toBe(evaluated);
    });

    test('a garbled line is named by file and line; exit 5', async () => {
      const { result } = await damaged(async (dir) => {
        const lines = (await readFile(join(dir, 'probes.ndjson'), 'utf8')).split('\n');
        await writeFile(join(dir, 'probes.ndjson'), [lines[0], '{"service":', ...lines.slice(2)].join('\n'));
      });
      expect(result.exitCode).toBe(5);
      expect(result.stderr).toMatch(/ERR_RUN_FOLDER[\s\S]*probes\.ndjson:2/);
    });

    test('a missing file is named; exit 5', async () => {
      const { result } = await damaged((dir) => rm(join(dir, 'ledger.ndjson')));
      expect(result.exitCode).toBe(5);
      expect(result.stderr).toMatch(/ERR_RUN_FOLDER[\s\S]*ledger\.ndjson/);
    });

    test('a last line cut short is tolerated', async () => {
      const { result } = await damaged((dir) => appendFile(join(dir, 'probes.ndjson'), '{"service":"order-cap'));
      expect([0, 2]).toContain(result.exitCode);
    });

    test('samples cut to nothing are no data, never a pass', async () => {
      const { result } = await damaged((dir) => truncate(join(dir, 'load/local-1/samples.csv'), 200));
      expect([2, 5]).toContain(result.exitCode);
    });

    test('no run at all', async () => {
      const result = await runCli(['evaluate', join(cwd, 'nowhere')], { cwd });
      expect(result.exitCode).toBe(5);
      expect(result.stderr).toContain('nowhere');
    });
  });
});
