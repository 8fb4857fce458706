/** What a newcomer does first: the demo, from nothing to a verdict and a report that opens. */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evaluationJsonSchema } from '../../src/evaluate/schema.ts';
import type { Evaluation } from '../../src/model/evaluation.ts';
import { runCli, withFolder } from '../support/cli.ts';
import { lookAtReport } from './report-in-chromium.ts';

interface DemoRun {
  readonly exitCode: number;
  readonly stderr: string;
  readonly runDir: string;
  readonly cwd: string;
  readonly evaluation: Evaluation;
}

describe('peakproof demo', () => {
  let run: DemoRun;
  let finish: () => void = () => undefined;
  let over: Promise<void> = Promise.resolve();

  beforeAll(async () => {
    run = await new Promise<DemoRun>((resolve, reject) => {
      over = withFolder(async (cwd) => {
        const result = await runCli(['demo', '--json'], { cwd, timeoutMs: 540_000 });
        if (result.stdout === '') throw new Error(`the demo gave nothing: exit ${result.exitCode}\n${result.stderr}`);
        const { runDir } = JSON.parse(result.stdout) as { readonly runDir: string };
        const evaluation = JSON.parse(await readFile(join(runDir, 'evaluation.json'), 'utf8')) as Evaluation;
        resolve({ exitCode: result.exitCode, stderr: result.stderr, runDir, cwd, evaluation });
        await new Promise<void>((done) => {
          finish = done;
        });
      });
      over.catch(reject);
    });
  });

  afterAll(async () => {
    finish();
    await over;
  });

  test('passes: every objective measured and met, every fault proven and reverted, exit 0', () => {
    expect(
      run.evaluation.objectives
        .filter(({ verdict }) => verdict !== 'pass')
        .map(({ id, verdict, reason }) => `${id}: ${verdict}: ${reason}`),
    ).toEqual([]);
    expect(run.evaluation.guards.filter(({ held }) => !held).map(({ reason }) => reason)).toEqual([]);
    expect(run.evaluation.faults.map(({ fault, proven, reverted }) => ({ fault, proven, reverted }))).toEqual([
      { fault: 'kill-a-worker', proven: true, reverted: true },
      { fault: 'primary-crash', proven: true, reverted: true },
      { fault: 'cache-flood', proven: true, reverted: true },
    ]);
    expect(run.evaluation.verdict).toBe('pass');
    expect(run.exitCode).toBe(0);
  });

  test('every kind of objective is in it, and the evaluation follows the published schema', () => {
    expect(new Set(run.evaluation.objectives.map(({ kind }) => kind))).toEqual(
      new Set(['slo', 'attainment', 'recovery', 'data-loss', 'invariant', 'autoscaling']),
    );
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(evaluationJsonSchema());
    expect(validate(run.evaluation), JSON.stringify(validate.errors)).toBe(true);
  });

  test('evaluate writes the same bytes again, and report the same page', async () => {
    const before = await digests(run.runDir, ['evaluation.json', 'report.html', 'report.junit.xml', 'summary.md']);
    expect((await runCli(['evaluate', 'runs/latest'], { cwd: run.cwd })).exitCode).toBe(0);
    expect((await runCli(['report', 'runs/latest'], { cwd: run.cwd })).exitCode).toBe(0);
    expect(await digests(run.runDir, ['evaluation.json', 'report.html', 'report.junit.xml', 'summary.md'])).toEqual(before);
  });

  test('the manifest has the digest of every file of the run', async () => {
    const manifest = JSON.parse(await readFile(join(run.runDir, 'manifest.json'), 'utf8')) as {
      readonly files: readonly { readonly path: string; readonly sha256: string }[];
    };
    const paths = await filesOf(run.runDir);
    expect(manifest.files.map(({ path }) => path).sort()).toEqual(paths.filter((path) => path !== 'manifest.json').sort());
    expect(
      await digests(
        run.runDir,
        manifest.files.map(({ path }) => path),
      ),
    ).toEqual(Object.fromEntries(manifest.files.map(({ path, sha256 }) => [path, sha256])));
  });

  test('no secret of the lab stands in any file of the run', async () => {
    const connections = JSON.parse(await readFile(join(run.runDir, 'connections.json'), 'utf8')) as {
      readonly odoo: { readonly password: unknown };
    };
    expect(connections.odoo.password).toEqual({ file: expect.any(String) });
    for (const path of await filesOf(run.runDir))
      expect(await readFile(join(run.runDir, path), 'utf8'), path).not.toMatch(
        /PGPASSWORD|scram-sha-256\$|BEGIN (RSA |EC )?PRIVATE KEY/,
      );
  });

  test('the report opens in Chromium: one axis, every panel drawn, nothing fetched, nothing logged, under 3 MB', async () => {
    const path = join(run.runDir, 'report.html');
    expect((await stat(path)).size).toBeLessThan(3_000_000);
    const seen = await lookAtReport(path);
    expect(seen.problems).toEqual([]);
    expect(seen.verdict).toMatch(/pass/i);
    expect(seen.panels).toBeGreaterThanOrEqual(6);
  });

  test('nothing of the lab is left running', async () => {
    const status = await runCli(['lab', 'status', '--json'], { cwd: run.cwd });
    const labs = JSON.parse(status.stdout) as readonly { readonly name: string }[];
    expect(labs.filter(({ name }) => name.startsWith('run-'))).toEqual([]);
  });
});

async function filesOf(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1));
}

async function digests(dir: string, paths: readonly string[]): Promise<Record<string, string>> {
  const pairs = await Promise.all(
    paths.map(
      async (path) =>
        [
          path,
          createHash('sha256')
            .update(await readFile(join(dir, path)))
            .digest('hex'),
        ] as const,
    ),
  );
  return Object.fromEntries(pairs);
}
