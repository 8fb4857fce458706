/** The published form: packed, installed into an empty folder, run from there without the checkout. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { packageRoot } from '../../src/clients/package-root.ts';
import { cleanEnv, withFolder, writePlan } from '../support/cli.ts';
import { shortPlan } from './short-plan.ts';

test('npm pack, npm install, npx peakproof: a judged run from built JavaScript', async () => {
  await withFolder(async (dir) => {
    const npm = (args: readonly string[], cwd: string) =>
      execa('npm', [...args], { cwd, env: cleanEnv(), extendEnv: false, timeout: 300_000 });
    await npm(['pack', '--pack-destination', dir], packageRoot());
    const tarball = (await readdir(dir)).find((name) => name.endsWith('.tgz'));
    if (tarball === undefined) throw new Error('npm pack wrote no tarball');
    await npm(['init', '-y'], dir);
    await npm(['install', '--no-audit', '--no-fund', join(dir, tarball)], dir);
    const peakproof = (...args: readonly string[]) =>
      execa('npx', ['--no-install', 'peakproof', ...args], {
        cwd: dir,
        env: cleanEnv(),
        extendEnv: false,
        reject: false,
        timeout: 300_000,
      });

    expect((await peakproof('--version')).stdout).toMatch(/^\d+\.\d+\.\d+/);
    expect((await peakproof('plan', 'check', 'demo')).exitCode).toBe(0);
    const plan = shortPlan({
      name: 'packed',
      objectives: [{ id: 'no-order-lost', kind: 'data-loss', service: 'order-capture' }],
    });
    const run = await peakproof('run', await writePlan(dir, plan), '--json');
    expect(run.exitCode, String(run.stderr)).toBe(0);
    const { verdict, reports } = JSON.parse(String(run.stdout)) as {
      readonly verdict: string;
      readonly reports: readonly string[];
    };
    expect(verdict).toBe('pass');
    expect(reports.some((path) => path.endsWith('report.html'))).toBe(true);
  });
});
