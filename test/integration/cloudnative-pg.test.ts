/** CloudNativePG over HTTP: what the real doors send to an API server, answered by the stand-in operator. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { failover } from '../../chaos/postgres/failover.ts';
import { systemClock } from '../../src/clients/clock.ts';
import { createCustomObjectsPort } from '../../src/clients/custom-objects.ts';
import { createKubernetesPort } from '../../src/clients/kubernetes.ts';
import type { PostgresFailoverSpec } from '../../src/model/plan.ts';
import { createBench, disturb } from '../fakes/fault-bench.ts';
import { type CloudNativePgOperator, createOperator } from '../support/cloudnative-pg-operator.ts';

const CLUSTER = '/apis/postgresql.cnpg.io/v1/namespaces/erp/clusters/erp-db';
const spec = (mode: PostgresFailoverSpec['mode']): PostgresFailoverSpec => ({
  kind: 'postgres/failover',
  id: 'move',
  atMs: 0,
  proveWithinMs: 10_000,
  revertWithinMs: 10_000,
  mode,
  ...(mode === 'fence' && { durationMs: 1_500 }),
});

let folder: string;
let server: Server;
let operator: CloudNativePgOperator;
let requests: string[];

beforeEach(async () => {
  operator = createOperator({ clock: systemClock, moveMs: 300, rejoinMs: 300 });
  requests = [];
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (request.method !== 'GET' && !pathname.endsWith('reviews')) {
      requests.push(`${request.method} ${pathname} ${request.headers['content-type'] ?? ''}`.trim());
    }
    const [status, answer] = answerTo(`${request.method} ${pathname}`, body === '' ? {} : (JSON.parse(body) as Body));
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  folder = await mkdtemp(join(tmpdir(), 'peakproof-cnpg-'));
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

type Body = Readonly<Record<string, unknown>> & { readonly preconditions?: { readonly uid?: string } };

function answerTo(request: string, body: Body): readonly [number, unknown] {
  if (request === `GET ${CLUSTER}`) return [200, operator.read()];
  if (request === `PATCH ${CLUSTER}`) return [200, operator.patch(body)];
  if (request === `PATCH ${CLUSTER}/status`) return [200, operator.patch(body, 'status')];
  if (request === 'GET /api/v1/namespaces/erp/pods') {
    const items = operator.pods().map(({ name, uid, ready }) => ({
      metadata: { name, uid, creationTimestamp: '2026-11-22T10:00:00Z', labels: { 'cnpg.io/cluster': 'erp-db' } },
      spec: { containers: [{ name: 'postgres' }] },
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
    }));
    return [200, { apiVersion: 'v1', kind: 'PodList', metadata: {}, items }];
  }
  const deleted = /^DELETE \/api\/v1\/namespaces\/erp\/pods\/(.+)$/.exec(request)?.[1];
  if (deleted !== undefined && operator.deletePod(deleted, body.preconditions?.uid ?? '')) {
    return [200, { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Success' }];
  }
  if (request.endsWith('/selfsubjectaccessreviews')) return [201, { ...body, status: { allowed: true } }];
  const details = { name: 'x' };
  return [404, { kind: 'Status', status: 'Failure', message: `${request}: not found`, reason: 'NotFound', details, code: 404 }];
}

async function doors() {
  const kubeconfig = join(folder, 'kubeconfig');
  const { port } = server.address() as AddressInfo;
  await writeFile(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user: {} }],
    }),
  );
  const options = { kubeconfig, namespace: 'erp' };
  return {
    clock: systemClock,
    kubernetes: createKubernetesPort(options),
    customObjects: createCustomObjectsPort(options),
    postgresTarget: { driver: 'cloudnative-pg', cluster: 'erp-db' } as const,
  };
}

describe('postgres/failover through CloudNativePG over HTTP', () => {
  test.each([
    ['switchover', [`PATCH ${CLUSTER}/status application/merge-patch+json`]],
    ['crash', ['DELETE /api/v1/namespaces/erp/pods/erp-db-1 application/json']],
    ['fence', [`PATCH ${CLUSTER} application/merge-patch+json`, `PATCH ${CLUSTER} application/merge-patch+json`]],
  ] as const)('%s: is done, proven and undone', async (mode, sent) => {
    const open = await doors();
    const { proof, undo } = await disturb(failover, spec(mode), createBench(open));
    expect(proof, proof.evidence.join('; ')).toMatchObject({ proven: true });
    const revert = await failover.revert(JSON.parse(JSON.stringify(undo)), open, { timeoutMs: 10_000 });
    expect(revert, revert.detail).toMatchObject({ complete: true });
    expect(requests).toEqual(sent);
  });

  test('a cluster of another name is refused in plain words', async () => {
    const open = { ...(await doors()), postgresTarget: { driver: 'cloudnative-pg', cluster: 'other' } as const };
    await expect(failover.plan(spec('crash'), open)).rejects.toThrow('there is no CloudNativePG cluster "other" in erp');
  });
});
