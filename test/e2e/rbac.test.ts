/** A whole run with the account that `peakproof rbac` prints, and with nothing else. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Evaluation } from '../../src/model/evaluation.ts';
import { runCli, withFolder, writePlan } from '../support/cli.ts';
import { KILL_ONE_WORKER, shortPlan } from './short-plan.ts';

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: { readonly server: string } }[];
  readonly users: readonly { readonly name: string }[];
}

test('a plan runs with just the permissions that rbac prints for it', async () => {
  await withFolder(async (cwd) => {
    const name = `rbac-${process.pid}`;
    const plan = await writePlan(
      cwd,
      shortPlan({
        name: 'least-privilege',
        faults: [KILL_ONE_WORKER],
        objectives: [
          { id: 'orders-recover', kind: 'recovery', service: 'order-capture', fault: 'kill-a-worker', max: '15s', hold: '3s' },
        ],
      }),
    );
    const up = await runCli(['lab', 'up', '--detach', '--json', '--name', name], { cwd });
    expect(up.exitCode, up.stderr).toBe(0);
    try {
      const lab = JSON.parse(up.stdout) as { readonly kubeconfig: string; readonly context: string };
      await writeFile(join(cwd, 'lab.json'), up.stdout);
      const printed = await runCli(['rbac', '--for', plan, '--lab', 'lab.json', '--json'], { cwd });
      expect(printed.exitCode, printed.stderr).toBe(0);
      const config = parse(await readFile(lab.kubeconfig, 'utf8')) as Kubeconfig;
      const token = await grant(config.clusters[0]?.cluster.server ?? '', JSON.parse(printed.stdout));
      const restricted = join(cwd, 'account.json');
      const users = config.users.map((user) => ({ ...user, user: { token } }));
      await writeFile(restricted, JSON.stringify({ ...config, users }), { mode: 0o600 });
      await writeFile(join(cwd, 'account-lab.json'), JSON.stringify({ ...lab, kubeconfig: restricted }));

      const run = await runCli(['run', plan, '--lab', 'account-lab.json', '--json'], { cwd });
      expect(run.exitCode, run.stderr).toBe(0);
      const { runDir } = JSON.parse(run.stdout) as { readonly runDir: string };
      const evaluation = JSON.parse(await readFile(join(runDir, 'evaluation.json'), 'utf8')) as Evaluation;
      expect(evaluation.verdict).toBe('pass');
      expect(await readFile(join(runDir, 'journal.ndjson'), 'utf8')).not.toContain('forbidden');
    } finally {
      expect((await runCli(['lab', 'down', '--name', name], { cwd })).exitCode).toBe(0);
    }
  });
});

/** What `kubectl apply` and `kubectl create token` do. */
async function grant(server: string, { items }: { readonly items: readonly RbacItem[] }): Promise<string> {
  const send = async (path: string, body: unknown) => {
    const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await fetch(`${server}${path}`, request);
    expect(response.status, path).toBe(201);
    return (await response.json()) as { readonly status?: { readonly token?: string } };
  };
  for (const item of items) {
    const { namespace } = item.metadata;
    const group = item.apiVersion === 'v1' ? '/api/v1' : `/apis/${item.apiVersion}`;
    const place = namespace === undefined ? group : `${group}/namespaces/${namespace}`;
    await send(`${place}/${item.kind.toLowerCase()}s`, item);
  }
  const account = items.find(({ kind }) => kind === 'ServiceAccount')?.metadata;
  const made = await send(`/api/v1/namespaces/${account?.namespace}/serviceaccounts/${account?.name}/token`, {});
  return made.status?.token ?? '';
}

interface RbacItem {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}
