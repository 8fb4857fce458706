import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/clients/package-root.ts';

const GATE = join(packageRoot(), 'ci', 'gate.sh');
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peakproof-gate-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A stand-in for peakproof that leaves a run folder, when told to, and ends with the code. */
async function gate(code: number, { env = {}, leavesRun = true }: { env?: Record<string, string>; leavesRun?: boolean } = {}) {
  const program = join(folder, 'peakproof-stub');
  const run = leavesRun
    ? 'mkdir -p runs/r2 && for f in report.html report.junit.xml summary.md evaluation.json; do echo "$f" > runs/r2/$f; done; ln -sfn r2 runs/latest;'
    : '';
  await writeFile(program, `#!/bin/sh\necho "called: $*"\n${run}\nexit ${code}\n`);
  await chmod(program, 0o755);
  return execa('bash', [GATE, 'plans/x.yaml', '--runs', 'runs'], {
    cwd: folder,
    reject: false,
    extendEnv: false,
    env: { PATH: process.env.PATH ?? '', PEAKPROOF: program, ...env },
  });
}

const kept = () => readdir(join(folder, 'peakproof-report'));

describe('ci/gate.sh', () => {
  test.each([
    [0, 'notice', 'passed'],
    [1, 'error', 'failed'],
    [2, 'error', 'inconclusive'],
    [3, 'error', 'plan or usage wrong'],
    [4, 'error', 'TARGET STILL ALTERED'],
    [5, 'error', 'harness or environment error'],
    [130, 'error', 'interrupted'],
    [77, 'error', 'ended unexpectedly'],
  ])('exit code %i stays, with an annotation of its own', async (code, level, words) => {
    const result = await gate(code, { env: { GITHUB_ACTIONS: 'true' } });
    expect(result.exitCode).toBe(code);
    expect(result.stdout.split('\n')[0]).toBe('called: run plans/x.yaml --runs runs');
    expect(result.stdout.split('\n').at(-1)).toMatch(new RegExp(`^::${level} title=Peakproof: ${words}::`));
  });

  test('an inconclusive run is let through only when told to, and says so', async () => {
    const result = await gate(2, { env: { PEAKPROOF_INCONCLUSIVE: 'warn' } });
    expect([result.exitCode, result.stdout.split('\n').at(-1)]).toEqual([
      0,
      expect.stringMatching(/^warning: Peakproof: inconclusive/),
    ]);
  });

  test('a wrong setting stops before anything is run', async () => {
    const result = await gate(0, { env: { PEAKPROOF_INCONCLUSIVE: 'ignore' } });
    expect(result.exitCode).toBe(3);
    expect(result.stdout).not.toContain('called:');
  });

  test('keeps the reports and puts the summary on the page of the job', async () => {
    const summary = join(folder, 'step-summary.md');
    await gate(1, { env: { GITHUB_STEP_SUMMARY: summary } });
    expect((await kept()).toSorted()).toEqual(['evaluation.json', 'report.html', 'report.junit.xml', 'summary.md']);
    expect(await readFile(summary, 'utf8')).toBe('summary.md\n');
  });

  test('never publishes the reports of an earlier run as those of this one', async () => {
    await mkdir(join(folder, 'runs', 'r1'), { recursive: true });
    await writeFile(join(folder, 'runs', 'r1', 'report.junit.xml'), 'old');
    await symlink('r1', join(folder, 'runs', 'latest'));
    await mkdir(join(folder, 'peakproof-report'));
    await writeFile(join(folder, 'peakproof-report', 'report.junit.xml'), 'older');
    await gate(5, { leavesRun: false });
    expect(await kept()).toEqual([]);
  });
});
