/** The lab's API through a stock kubectl, as a user would type it. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aLabCluster, isAlive, type LabCluster, pidOf, readyPods, until } from './lab-kubernetes-support.ts';

function findKubectl(): string | null {
  try {
    return execFileSync('kubectl', ['version', '--client', '-o', 'json'], {
      encoding: 'utf8',
      timeout: 10_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch (error) {
    // Not on PATH (ENOENT) or unusable: the suite is then skipped by name.
    if (error instanceof Error) return null;
    throw error;
  }
}

const version = findKubectl();
const title = version === null ? 'kubectl (skipped: no kubectl on PATH)' : 'kubectl';

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

describe.skipIf(version === null)(title, () => {
  let cluster: LabCluster;

  function environment(): NodeJS.ProcessEnv {
    return { ...process.env, KUBECONFIG: cluster.kubeconfigPath, HOME: cluster.folder, KUBECACHEDIR: `${cluster.folder}/cache` };
  }

  function kubectl(...args: readonly string[]): Promise<Outcome> {
    return new Promise((resolve) => {
      execFile('kubectl', args, { env: environment(), timeout: 30_000 }, (error, out, err) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, out, err });
      });
    });
  }

  async function lines(...args: readonly string[]): Promise<readonly string[]> {
    const { code, out, err } = await kubectl(...args);
    expect(err).toBe('');
    expect(code).toBe(0);
    return out
      .trimEnd()
      .split('\n')
      .map((line) => line.trimEnd());
  }

  function erpPod(): string {
    const pod = cluster.api
      .snapshot()
      .pods.find((it) => it.metadata.labels?.app === 'erp' && it.metadata.deletionTimestamp === undefined);
    if (pod === undefined) throw new Error('no ERP pod');
    return pod.metadata.name;
  }

  beforeAll(async () => {
    cluster = await aLabCluster({ syncPeriodMs: 500, nodes: 2 });
  });

  afterAll(async () => {
    expect(await cluster.dispose()).toEqual([]);
    expect(cluster.errors).toEqual([]);
  });

  test('get shows pods, deployment, autoscaler and events in their columns', async () => {
    const out = await lines('get', 'pods,deploy,hpa,events');
    const columns = out.filter((line) => /^(NAME|LAST SEEN)/.test(line)).map((line) => line.split(/\s{2,}/));
    expect(columns).toEqual([
      ['NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE'],
      ['NAME', 'READY', 'UP-TO-DATE', 'AVAILABLE', 'AGE'],
      ['NAME', 'REFERENCE', 'TARGETS', 'MINPODS', 'MAXPODS', 'REPLICAS', 'AGE'],
      ['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'],
    ]);
    expect(out.find((line) => line.startsWith('pod/postgres-0'))).toMatch(/1\/1\s+Running\s+0\s+\d+s$/);
    expect(out.find((line) => line.startsWith('deployment.apps/erp'))).toMatch(/2\/2\s+2\s+2\s+\d+s$/);
  });

  test('top shows the busy time of the pods and the machine behind the node', async () => {
    await until('all pods are measured', async () => {
      const response = await fetch(`${cluster.api.url}/apis/metrics.k8s.io/v1beta1/namespaces/erp/pods`);
      return ((await response.json()) as { items: readonly unknown[] }).items.length === 4;
    });
    expect(await lines('top', 'pods')).toHaveLength(5);
    expect((await lines('top', 'nodes'))[1]).toMatch(/^peakproof-lab-node\s+\d+m\s+\d+%\s+\d+Mi\s+\d+%$/);
  });

  test('delete --wait returns when pod and process are gone', async () => {
    const name = erpPod();
    const pid = pidOf(cluster, name);
    expect(await lines('delete', 'pod', name, '--wait')).toEqual([`pod "${name}" deleted`]);
    expect(isAlive(pid)).toBe(false);
    expect(cluster.api.snapshot().pods.map((pod) => pod.metadata.name)).not.toContain(name);
  });

  test('delete --force kills at once', async () => {
    const name = erpPod();
    const pid = pidOf(cluster, name);
    const { code, out } = await kubectl('delete', 'pod', name, '--force', '--grace-period=0');
    expect({ code, out: out.trim() }).toEqual({ code: 0, out: `pod "${name}" force deleted` });
    await until('the process is gone', () => !isAlive(pid));
  });

  test('wait, scale and rollout status see replicas come and go', async () => {
    await until('all pods are ready', () => readyPods(cluster) === 4);
    expect(await lines('wait', '--for=condition=Ready', `pod/${erpPod()}`, '--timeout=10s')).toHaveLength(1);
    expect(await lines('scale', 'deploy/erp', '--replicas=3')).toEqual(['deployment.apps/erp scaled']);
    const status = await lines('rollout', 'status', 'deploy/erp', '--timeout=15s');
    expect(status.at(-1)).toBe('deployment "erp" successfully rolled out');
    expect(await lines('wait', '--for=condition=Available', 'deploy/erp', '--timeout=10s')).toEqual([
      'deployment.apps/erp condition met',
    ]);
  });

  test('describe explains a pod and the autoscaler with their events', async () => {
    const pod = await lines('describe', 'pod', 'postgres-0');
    expect(pod).toContain('Controlled By:  StatefulSet/postgres');
    expect(pod.some((line) => /Normal\s+Started\s/.test(line))).toBe(true);
    const hpa = (await lines('describe', 'hpa', 'erp')).join('\n');
    expect(hpa).toMatch(/resource cpu on pods {2}\(as a percentage of request\):/);
    expect(hpa).toMatch(/ScalingActive\s+True\s+ValidMetricFound/);
  });

  test('get -w prints a deletion as it happens', async () => {
    await until('all pods are ready', () => readyPods(cluster) >= 4);
    const name = erpPod();
    const watch = spawn('kubectl', ['get', 'pod', name, '-w', '--no-headers'], {
      env: environment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    watch.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    const ended = new Promise((resolve) => watch.once('exit', resolve));
    try {
      await until('the watch began', () => out.includes('Running'));
      await lines('delete', 'pod', name);
      await until('the deletion was printed', () => out.includes('Terminating'));
    } finally {
      watch.kill();
      await ended;
    }
  });

  test('auth can-i, dry runs and rollouts work', async () => {
    expect(await lines('auth', 'can-i', 'delete', 'pods')).toEqual(['yes']);
    const name = erpPod();
    expect(await lines('delete', 'pod', name, '--dry-run=server')).toEqual([`pod "${name}" deleted (server dry run)`]);
    expect(cluster.api.snapshot().pods.find((pod) => pod.metadata.name === name)?.metadata.deletionTimestamp).toBeUndefined();
    expect(await lines('rollout', 'restart', 'deploy/erp')).toEqual(['deployment.apps/erp restarted']);
    expect((await lines('rollout', 'status', 'deploy/erp', '--timeout=20s')).at(-1)).toBe(
      'deployment "erp" successfully rolled out',
    );
  });

  test('rollout history, undo and a bad image work as on a cluster', async () => {
    const settled = () => lines('rollout', 'status', 'deploy/erp', '--timeout=20s');
    const image = () => lines('get', 'deploy', 'erp', '-o', 'jsonpath={.spec.template.spec.containers[0].image}');
    await settled();
    expect(await lines('set', 'image', 'deploy/erp', 'erp=peakproof-lab/erp:next')).toEqual([
      'deployment.apps/erp image updated',
    ]);
    await settled();
    expect(await lines('rollout', 'undo', 'deploy/erp')).toEqual(['deployment.apps/erp rolled back']);
    await settled();
    expect(await image()).toEqual(['peakproof-lab/erp']);
    await lines('set', 'image', 'deploy/erp', 'erp=peakproof.invalid/no-such-image:1');
    await until('the image was not found', async () => (await lines('get', 'pods')).join().includes('ErrImageNeverPull'));
    expect((await kubectl('rollout', 'status', 'deploy/erp', '--timeout=1s')).code).toBe(1);
    await lines('rollout', 'undo', 'deploy/erp');
    expect((await settled()).at(-1)).toBe('deployment "erp" successfully rolled out');
    const history = await lines('rollout', 'history', 'deploy/erp');
    expect(history.filter((line) => /^\d+\s/.test(line)).length).toBeGreaterThanOrEqual(3);
  });

  test('cordon and drain move the pods, one at a time under a disruption budget', async () => {
    const budget = join(cluster.folder, 'budget.json');
    const spec = { maxUnavailable: 1, selector: { matchLabels: { app: 'erp' } } };
    await writeFile(
      budget,
      JSON.stringify({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'erp' }, spec }),
    );
    await lines('create', '-f', budget, '--validate=false');
    expect((await lines('get', 'pdb')).at(-1)).toMatch(/^erp\s+N\/A\s+1\s+1\s/);
    expect(await lines('cordon', 'peakproof-lab-node')).toEqual(['node/peakproof-lab-node cordoned']);
    expect((await lines('get', 'nodes'))[1]).toMatch(/^peakproof-lab-node\s+Ready,SchedulingDisabled/);
    const drained = await kubectl('drain', 'peakproof-lab-node', '--pod-selector=app=erp', '--timeout=25s');
    expect(drained, drained.err).toMatchObject({ code: 0, out: expect.stringContaining('node/peakproof-lab-node drained') });
    const nodes = await lines('get', 'pods', '-l', 'app=erp', '-o', 'jsonpath={.items[*].spec.nodeName}');
    expect(nodes.join().split(' ')).not.toContain('peakproof-lab-node');
    expect(await lines('uncordon', 'peakproof-lab-node')).toEqual(['node/peakproof-lab-node uncordoned']);
    expect(await lines('delete', 'pdb', 'erp')).toHaveLength(1);
  });

  test('errors read as kubectl users expect', async () => {
    expect(await kubectl('delete', 'pod', 'nope')).toMatchObject({
      code: 1,
      err: 'Error from server (NotFound): pods "nope" not found\n',
    });
    expect((await kubectl('get', 'pods', '-l', 'app in (erp')).err).toMatch(/BadRequest.*unable to parse requirement/);
    expect((await kubectl('patch', 'hpa', 'erp', '--type=merge', '-p', '{"spec":{"maxReplicas":1}}')).err).toMatch(
      /must be greater than or equal to `minReplicas`/,
    );
  });
});
