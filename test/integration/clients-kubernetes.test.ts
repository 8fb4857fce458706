/** The Kubernetes client: the API's own words in errors, deadlines, kubeconfigs with credential plugins, the UID on deletion. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createKubernetesPort } from '../../src/clients/kubernetes.ts';
import { packageRoot } from '../../src/clients/package-root.ts';
import { freePort } from './chaos-redis-server.ts';

let folder: string;
let kubeconfig: string;
let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void;

const user = (token: string) => ({
  name: 'me',
  user: {
    exec: {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: [join(packageRoot(), 'test/fixtures/chaos-programs/exec-credential.mjs')],
      env: [{ name: 'PLUGIN_TOKEN', value: token }],
      interactiveMode: 'Never',
    },
  },
});

function writeKubeconfig(port: number): void {
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'staging',
      contexts: [{ name: 'staging', context: { cluster: 'c', user: 'me', namespace: 'other' } }],
      clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
      users: [user('from-the-plugin')],
    }),
  );
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'peakproof-kube-'));
  kubeconfig = join(folder, 'config');
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    answer(request, response, body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  writeKubeconfig((server.address() as AddressInfo).port);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const port = () => createKubernetesPort({ kubeconfig, namespace: 'erp' });
const json = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

describe('createKubernetesPort', () => {
  test('asks with the token of the credential plugin, in the namespace of the plan and not of the context', async () => {
    const seen: (string | undefined)[] = [];
    answer = (request, response) => {
      seen.push(request.url, request.headers.authorization);
      json(response, 200, { apiVersion: 'v1', kind: 'PodList', items: [] });
    };
    expect(await port().fetchPods('app=odoo')).toEqual([]);
    expect(seen).toEqual(['/api/v1/namespaces/erp/pods?labelSelector=app%3Dodoo', 'Bearer from-the-plugin']);
    expect([port().context, port().host]).toEqual(['staging', '127.0.0.1']);
  });

  test('keeps the words of the API in the error, with what to do about a missing permission', async () => {
    answer = (_, response) =>
      json(response, 403, { kind: 'Status', message: 'pods is forbidden: User "me" cannot list resource "pods"', code: 403 });
    await expect(port().fetchPods('app=odoo')).rejects.toMatchObject({
      code: 'ERR_KUBERNETES',
      message: expect.stringContaining('pods is forbidden: User "me" cannot list resource "pods" (403)'),
      hint: expect.stringContaining('permission'),
    });
  });

  test('a gateway that answers no JSON is told as it is', async () => {
    answer = (_, response) => response.writeHead(502).end('<html>Bad Gateway</html>');
    await expect(port().fetchDeployment('odoo')).rejects.toThrow(/reading deployment odoo in namespace erp .*\(502\)/);
  });

  test('deletes with the UID as a precondition', async () => {
    let seen = '';
    answer = (request, response, body) => {
      seen = `${request.method} ${request.url} ${body}`;
      json(response, 200, { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'odoo-1' } });
    };
    await port().deletePod('odoo-1', { uid: 'u-1', graceSeconds: 0 });
    expect(seen).toBe('DELETE /api/v1/namespaces/erp/pods/odoo-1 {"gracePeriodSeconds":0,"preconditions":{"uid":"u-1"}}');
  });

  test('asks for a permission in the namespace, and for nodes in the cluster', async () => {
    const asked: unknown[] = [];
    answer = (_, response, body) => {
      asked.push(JSON.parse(body).spec.resourceAttributes);
      json(response, 201, {
        kind: 'SelfSubjectAccessReview',
        apiVersion: 'authorization.k8s.io/v1',
        status: { allowed: asked.length === 1 },
      });
    };
    expect(await port().allowed({ verb: 'delete', group: '', resource: 'pods' })).toBe(true);
    expect(await port().allowed({ verb: 'list', group: '', resource: 'nodes' })).toBe(false);
    expect(asked).toEqual([
      { verb: 'delete', group: '', resource: 'pods', namespace: 'erp' },
      { verb: 'list', group: '', resource: 'nodes' },
    ]);
  });

  test('compares its clock with the Date header', async () => {
    answer = (_, response) => {
      response.setHeader('date', new Date(Date.now() - 60_000).toUTCString());
      json(response, 200, { gitVersion: 'v1.34.4' });
    };
    const offsetMs = await port().fetchClockOffsetMs();
    expect(offsetMs).toBeGreaterThan(-61_500);
    expect(offsetMs).toBeLessThan(-58_500);
  });

  test('a server that cannot be reached is an error with its address', async () => {
    const dead = await freePort();
    writeKubeconfig(dead);
    await expect(port().fetchVersion()).rejects.toMatchObject({
      code: 'ERR_KUBERNETES',
      message: expect.stringMatching(new RegExp(`127\\.0\\.0\\.1:${dead}.*ECONNREFUSED`)),
    });
  });

  test('a context that is not there is refused with those that are', () => {
    expect(() => createKubernetesPort({ kubeconfig, context: 'prod', namespace: 'erp' })).toThrow('has no context "prod"');
    expect(() => createKubernetesPort({ kubeconfig: join(folder, 'none'), namespace: 'erp' })).toThrow('cannot be loaded');
  });
});
