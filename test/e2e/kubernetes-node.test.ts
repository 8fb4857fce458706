/** The self-built node leaves its host as it was: after `down`, and after kill -9 of its bring-up at every step. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, type ResultPromise } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { BRIDGE } from '../../lab/kubernetes/node/addresses.ts';
import { ensurePackages, ensurePrograms, hostObstacles, stopService } from '../../lab/kubernetes/node/index.ts';
import { packageRoot } from '../../src/clients/package-root.ts';
import { cleanEnv } from '../support/cli.ts';
import { type HostLook, lookAtHost } from '../support/node-host.ts';

const obstacles = hostObstacles();
const reason = obstacles.length > 0 ? ` (skipped: ${obstacles.join('; ')})` : '';

interface Node {
  readonly kubeconfig: string;
  readonly kubectl: string;
  readonly stateDir: string;
}

describe.skipIf(obstacles.length > 0)(`a self-built Kubernetes node${reason}`, () => {
  let root: string;
  let before: HostLook;

  beforeAll(async () => {
    expect(existsSync(`/sys/class/net/${BRIDGE}`), 'a node runs on this host already').toBe(false);
    root = mkdtempSync(join(tmpdir(), 'pp-node-'));
    await ensurePackages((line) => console.info(line));
    await ensurePrograms({ onProgress: (line) => console.info(line) });
    before = lookAtHost();
  }, 3_000_000);

  afterEach(async () => void (await nodeCommand('down')));

  afterAll(() => rmSync(root, { recursive: true, force: true }));

  function startCommand(action: string): ResultPromise {
    return execa(process.execPath, [join(packageRoot(), 'lab/kubernetes/node/main.ts'), ...action.split(' ')], {
      env: cleanEnv({ PEAKPROOF_STATE: root }),
      extendEnv: false,
      reject: false,
      stdin: 'ignore',
    });
  }

  async function nodeCommand(action: string): Promise<string> {
    const result = await startCommand(action);
    expect(result.exitCode, String(result.stderr)).toBe(0);
    return String(result.stdout);
  }

  /** Kills the command without warning, so long after it has printed a line with that text. False when it did not, or ended before. */
  async function killAfter(action: string, text: string, delayMs: number): Promise<boolean> {
    const child = startCommand(action);
    const { pid } = child;
    let seen = false;
    for await (const line of child.iterable({ from: 'stderr' })) {
      if (!String(line).includes(text) || seen || pid === undefined) continue;
      seen = true;
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      child.kill('SIGKILL');
    }
    const result = await child;
    return seen && result.signal === 'SIGKILL';
  }

  /** Starts three pods. Returns the nodes that they run on. */
  function runPods({ kubectl, kubeconfig }: Node): readonly string[] {
    const pods = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'idle', namespace: 'default' },
      spec: {
        replicas: 3,
        selector: { matchLabels: { app: 'idle' } },
        template: {
          metadata: { labels: { app: 'idle' } },
          spec: {
            containers: [
              {
                name: 'idle',
                image: 'localhost/peakproof/pause:1',
                imagePullPolicy: 'Never',
                volumeMounts: [{ name: 'memory', mountPath: '/memory' }],
              },
            ],
            volumes: [{ name: 'memory', emptyDir: { medium: 'Memory' } }],
          },
        },
      },
    };
    const kube = (...args: string[]): string =>
      execFileSync(kubectl, ['--kubeconfig', kubeconfig, ...args], { input: JSON.stringify(pods), encoding: 'utf8' });
    kube('apply', '-f', '-');
    kube('rollout', 'status', 'deployment/idle', '--timeout=60s');
    return kube('get', 'pods', '-o', 'jsonpath={.items[*].spec.nodeName}').split(' ');
  }

  test('up gives pods a place, down leaves the host as it was, and both may be said twice', async () => {
    const node = JSON.parse(await nodeCommand('up')) as Node;
    runPods(node);
    // The look is worth something: while the node runs, all of this is different.
    const during = lookAtHost();
    for (const part of ['mounts', 'links', 'addresses', 'routes', 'filter', 'cgroups', 'processes'] as const) {
      expect(during[part], part).not.toEqual(before[part]);
    }
    expect(JSON.parse(await nodeCommand('up')) as Node).toEqual(node);
    expect(JSON.parse(await nodeCommand('status'))).toMatchObject({ state: 'running' });
    await nodeCommand('down');
    expect(lookAtHost()).toEqual(before);
    expect(JSON.parse(await nodeCommand('down'))).toEqual({ removed: false, stoppedProcesses: 0 });
    expect(JSON.parse(await nodeCommand('status'))).toMatchObject({ state: 'none', services: [] });
  });

  test.each([
    ['preparing the host', 0],
    ['preparing the host', 60],
    ['preparing the host', 200],
    ['starting etcd', 0],
    ['starting etcd', 100],
    ['starting etcd', 1_500],
    ['starting the controllers', 20],
    ['waiting for the node', 0],
    ['waiting for the node', 3_000],
  ])('kill -9 of the bring-up at "%s" + %i ms: down leaves the host as it was', async (text, delayMs) => {
    expect(await killAfter('up', text, delayMs)).toBe(true);
    expect((JSON.parse(await nodeCommand('status')) as { state: string }).state).toBe('half-done');
    await nodeCommand('down');
    expect(lookAtHost()).toEqual(before);
  });

  test('kill -9 of down itself: the next down finishes it', async () => {
    const node = JSON.parse(await nodeCommand('up')) as Node;
    runPods(node);
    expect(await killAfter('down', 'removing the node', 30)).toBe(true);
    for (const delayMs of [60, 120, 240]) await killAfter('down', 'removing the node', delayMs);
    await nodeCommand('down');
    expect(lookAtHost()).toEqual(before);
  });

  test('after a killed bring-up the next one clears away what is there and starts anew', async () => {
    expect(await killAfter('up', 'starting the controllers', 0)).toBe(true);
    const node = JSON.parse(await nodeCommand('up')) as Node;
    runPods(node);
    await nodeCommand('down');
    expect(lookAtHost()).toEqual(before);
  });

  test('two nodes share the pods, and a daemon that was stopped is started again by the next up', async () => {
    const node = JSON.parse(await nodeCommand('up --two')) as Node;
    expect(new Set(runPods(node))).toEqual(new Set(['peakproof-1', 'peakproof-2']));
    await stopService(node, 'kube-apiserver');
    await stopService(node, 'kubelet-peakproof-2');
    expect(JSON.parse(await nodeCommand('status'))).toMatchObject({ state: 'half-done' });
    expect(JSON.parse(await nodeCommand('up --two'))).toEqual(node);
    expect(runPods(node)).toHaveLength(3);
    await nodeCommand('down');
    expect(lookAtHost()).toEqual(before);
  });
});
