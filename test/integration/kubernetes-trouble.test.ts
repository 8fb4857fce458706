/** A run's observers and doors against a real server that misbehaves in each way that an API server does. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/clients/clock.ts';
import { createCustomObjectsPort } from '../../src/clients/custom-objects.ts';
import { createKubernetesPort } from '../../src/clients/kubernetes.ts';
import type { Observation } from '../../src/model/run-records.ts';
import type { ObserverGap } from '../../src/observe/platform/observer-loop.ts';
import { startObservers } from '../../src/observe/platform/start-observers.ts';
import { refuse, type StubKubernetes, startStubKubernetes } from './stub-kubernetes.ts';

vi.hoisted(() => {
  process.env.PEAKPROOF_TIMEOUTS = '{"observerLook": 1000, "kubernetesCall": 2500}';
});

const SOURCES = ['deployment', 'events', 'hpa', 'nodes', 'pod-metrics', 'pods'];

let folder: string;
let stub: StubKubernetes;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'peakproof-trouble-'));
  stub = await startStubKubernetes();
});
afterEach(async () => {
  await stub.close();
  rmSync(folder, { recursive: true, force: true });
});

function kubeconfig(user: object): string {
  const path = join(folder, 'config');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'me' } }],
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${stub.port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'me', user }],
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

const port = (user: object = { token: 'good' }) => createKubernetesPort({ kubeconfig: kubeconfig(user), namespace: 'erp' });

/** Observers at ten looks a second while `trouble` happens, and a second after it. */
async function observe(trouble: () => Promise<void>) {
  const observations: Observation[] = [];
  const gaps: ObserverGap[] = [];
  const observers = startObservers({
    connections: {
      kubernetes: { namespace: 'erp', deployment: 'erp', hpa: 'erp' },
      ingressHealthUrl: 'http://127.0.0.1/health',
    },
    doors: { kubernetes: port(), get: async () => ({ status: 200 }) },
    intervalMs: 100,
    write: (seen) => observations.push(seen),
    gap: (gap) => gaps.push(gap),
    clock: systemClock,
  });
  await delay(500);
  const fromAt = Date.now();
  await trouble();
  const toAt = Date.now();
  await delay(1_200);
  await observers.stop();
  return { observations, gaps, fromAt, toAt };
}

describe('observers', () => {
  test('record an API server that is gone as one gap of each of its sources, see it again after, and no other source notices', async () => {
    const { observations, gaps, fromAt, toAt } = await observe(async () => {
      await stub.goAway();
      await delay(1_500);
      await stub.comeBack();
    });
    expect(gaps.map(({ source }) => source).sort()).toEqual(SOURCES);
    for (const gap of gaps) {
      expect(gap).toMatchObject({ trouble: 'unreachable', detail: expect.stringMatching(/ECONN|closed|terminated/) });
      expect(gap.fromAt).toBeGreaterThan(fromAt - 500);
      expect(gap.fromAt).toBeLessThan(toAt);
      expect(gap.at).toBeGreaterThan(toAt - 100);
    }
    for (const source of ['hpa', 'deployment', 'pods'] as const) {
      const seen = observations.filter((look) => look.source === source).map(({ at }) => at);
      expect(seen.some((at) => at < fromAt)).toBe(true);
      expect(seen.some((at) => at > toAt)).toBe(true);
    }
    const ingress = observations.filter(({ source, at }) => source === 'ingress' && at > fromAt && at < toAt);
    expect(ingress.length).toBeGreaterThan(8);
  });

  test.each([
    [
      'answers 410 Gone',
      'gone',
      () => (_: unknown, response: Parameters<typeof refuse>[0]) => refuse(response, 410, 'too old resource version: 1 (9)'),
    ],
    [
      'answers 503',
      'server-error',
      () => (_: unknown, response: Parameters<typeof refuse>[0]) => refuse(response, 503, 'etcdserver: leader changed'),
    ],
    [
      'asks for more patience than a look has',
      'throttled',
      () => (_: unknown, response: Parameters<typeof refuse>[0]) =>
        refuse(response, 429, 'too many requests', { 'retry-after': '60' }),
    ],
    [
      'cuts its answers off in the middle',
      'unreachable',
      () => (_: unknown, response: Parameters<typeof refuse>[0]) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '5000' });
        response.write('{"kind":"PodList","items":[');
        setTimeout(() => response.destroy(), 20);
        return true;
      },
    ],
  ])('of a server that %s record it as %s and go on', async (_, trouble, misbehaviour) => {
    const { observations, gaps, toAt } = await observe(async () => {
      stub.misbehave = misbehaviour();
      await delay(600);
      stub.misbehave = () => false;
    });
    expect(gaps.find(({ source }) => source === 'hpa')).toMatchObject({ trouble });
    expect(observations.some(({ source, at }) => source === 'hpa' && at > toAt)).toBe(true);
  });

  test('of a server that never answers record a gap, since a look has a deadline', async () => {
    const { gaps } = await observe(async () => {
      stub.misbehave = () => true;
      await delay(1_300);
      stub.misbehave = () => false;
    });
    expect(gaps.find(({ source }) => source === 'pods')?.detail).toContain('within 1 s');
  });
});

describe('a 429', () => {
  test('with a Retry-After that can be waited for is waited for', async () => {
    let left = 2;
    stub.misbehave = (_, response) => left-- > 0 && refuse(response, 429, 'too many requests', { 'retry-after': '0.2' });
    const startedAt = Date.now();
    expect(await port().fetchPods('app=erp')).toHaveLength(1);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(400);
    expect(stub.requests).toHaveLength(3);
  });

  test('to an eviction is the answer of a disruption budget, and not repeated', async () => {
    stub.misbehave = (_, response) =>
      refuse(response, 429, 'Cannot evict pod as it would violate the pod disruption budget.', { 'retry-after': '0' });
    const evict = port().nodes.evict({ namespace: 'erp', name: 'erp-1' }, { uid: 'u1', graceSeconds: null });
    await expect(evict).resolves.toMatchObject({ outcome: 'refused' });
    expect(stub.requests).toHaveLength(1);
  });

  test('that does not end is told as such', async () => {
    stub.misbehave = (_, response) => refuse(response, 429, 'too many requests', { 'retry-after': '60' });
    await expect(port().fetchPods('')).rejects.toMatchObject({ code: 'ERR_KUBERNETES', status: 429 });
  });
});

describe('a token that has expired', () => {
  const onlyToken = (token: string): void => {
    stub.misbehave = (request, response) =>
      request.headers.authorization !== `Bearer ${token}` && refuse(response, 401, 'Unauthorized');
  };

  test('is asked of the credential plugin anew', async () => {
    writeFileSync(join(folder, 'token'), 'first');
    const program = `process.stdout.write(JSON.stringify({apiVersion:'client.authentication.k8s.io/v1',kind:'ExecCredential',status:{token:require('fs').readFileSync(process.env.TOKEN_PATH,'utf8')}}));require('fs').appendFileSync(process.env.TOKEN_PATH+'.runs','x')`;
    const env = [{ name: 'TOKEN_PATH', value: join(folder, 'token') }];
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: ['-e', program], env };
    const kubernetes = port({ exec });
    onlyToken('first');
    await kubernetes.fetchPods('');
    writeFileSync(join(folder, 'token'), 'second');
    onlyToken('second');
    expect(await kubernetes.fetchPods('')).toHaveLength(1);
    expect(readFileSync(join(folder, 'token.runs'), 'utf8')).toBe('xx');
    // Rejected for good: the plugin, which may ask a person, is not run at every look.
    onlyToken('third');
    for (let look = 0; look < 3; look += 1) {
      await expect(kubernetes.fetchPods('')).rejects.toMatchObject({
        status: 401,
        hint: expect.stringContaining('log in again'),
      });
    }
    expect(readFileSync(join(folder, 'token.runs'), 'utf8')).toBe('xx');
  });

  test('is read again from its file, for both doors', async () => {
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, 'first\n');
    const kubernetes = port({ tokenFile: 'token' });
    const objects = createCustomObjectsPort({ kubeconfig: join(folder, 'config'), namespace: 'erp' });
    onlyToken('first');
    await kubernetes.fetchPods('');
    writeFileSync(tokenFile, 'second\n');
    onlyToken('second');
    expect(await kubernetes.fetchPods('')).toHaveLength(1);
    expect(await objects.list({ group: '', version: 'v1', plural: 'pods' })).toHaveLength(1);
  });

  test('is read again from a kubeconfig that was written anew, as a login does', async () => {
    const kubernetes = port({ token: 'first' });
    onlyToken('first');
    await kubernetes.fetchPods('');
    kubeconfig({ token: 'second' });
    onlyToken('second');
    expect(await kubernetes.fetchPods('')).toHaveLength(1);
  });
});

test('an autoscaler is found under the name of its ScaledObject', async () => {
  stub.misbehave = (request, response) => {
    const path = request.url ?? '';
    if (path.endsWith('/horizontalpodautoscalers/keda-hpa-shop')) {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ metadata: { name: 'keda-hpa-shop' }, spec: { maxReplicas: 5 }, status: {} }));
      return true;
    }
    return false;
  };
  const kubernetes = port();
  expect(await kubernetes.fetchHpa('shop')).toMatchObject({
    name: 'keda-hpa-shop',
    scaler: { kind: 'ScaledObject', name: 'shop' },
  });
  await expect(kubernetes.fetchHpa('other')).rejects.toThrow('reading hpa other');
});
