import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPodExecPort } from '../../src/clients/pod-exec.ts';
import type { PodExecPort } from '../../src/clients/ports.ts';
import { type ExecApi, exited, startExecApi, success } from '../support/exec-api.ts';

let api: ExecApi;
let folder: string;
let exec: PodExecPort;

beforeEach(async () => {
  api = await startExecApi();
  folder = await mkdtemp(join(tmpdir(), 'peakproof-exec-'));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      clusters: [{ name: 'c', cluster: { server: api.url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user: { token: 'a-token' } }],
    }),
  );
  exec = createPodExecPort({ kubeconfig, namespace: 'erp' });
});
afterEach(async () => {
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a program in a pod', () => {
  test('gets its arguments one by one, with the credentials of the kubeconfig, and gives back both outputs', async () => {
    api.answer = {
      frames: [{ channel: 1, text: 'one\n' }, { channel: 2, text: 'careful\n' }, { channel: 1, text: 'two\n' }, success],
    };
    const result = await exec.run('pg-0', ['sh', '-c', 'echo "$1"', 'x', 'a b&c'], { timeoutMs: 5_000, container: 'postgres' });
    expect(result).toEqual({ exitCode: 0, output: 'one\ntwo\n', errors: 'careful\n' });
    expect(api.requests).toEqual([
      {
        path: '/api/v1/namespaces/erp/pods/pg-0/exec',
        argv: ['sh', '-c', 'echo "$1"', 'x', 'a b&c'],
        container: 'postgres',
        authorization: 'Bearer a-token',
      },
    ]);
  });

  test('tells its exit code', async () => {
    api.answer = { frames: [exited(7)] };
    expect(await exec.run('pg-0', ['false'], { timeoutMs: 5_000 })).toMatchObject({ exitCode: 7 });
  });

  test('that could not be started is an error in the words of the API', async () => {
    const text = JSON.stringify({
      status: 'Failure',
      reason: 'InternalError',
      message: 'exec: "ps": executable file not found in $PATH',
    });
    api.answer = { frames: [{ channel: 3, text }] };
    await expect(exec.run('pg-0', ['ps'], { timeoutMs: 5_000 })).rejects.toMatchObject({
      code: 'ERR_KUBERNETES',
      message: expect.stringContaining('executable file not found'),
    });
  });

  test('whose connection ends without a status is an error, not a success', async () => {
    api.answer = { frames: [{ channel: 1, text: 'half' }] };
    await expect(exec.run('pg-0', ['true'], { timeoutMs: 5_000 })).rejects.toThrow("before the program's exit was told");
  });

  test('that is refused names the permission', async () => {
    api.answer = { refuse: 403 };
    await expect(exec.run('pg-0', ['true'], { timeoutMs: 5_000 })).rejects.toMatchObject({
      message: expect.stringContaining('403'),
      hint: expect.stringContaining('create pods/exec'),
    });
  });

  test('that lasts too long is given up, and told so', async () => {
    api.answer = { frames: [], keepOpen: true };
    await expect(exec.run('pg-0', ['sleep', '60'], { timeoutMs: 300 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
  });

  test('ends with the signal', async () => {
    api.answer = { frames: [], keepOpen: true };
    const stop = new AbortController();
    const running = exec.run('pg-0', ['sleep', '60'], { timeoutMs: 30_000, signal: stop.signal });
    setTimeout(() => stop.abort(new Error('stopped')), 100);
    await expect(running).rejects.toThrow('stopped');
  });

  test('keeps no more output than it may', async () => {
    api.answer = { frames: [...Array.from({ length: 8 }, () => ({ channel: 1, text: 'x'.repeat(50_000) })), success] };
    expect((await exec.run('pg-0', ['yes'], { timeoutMs: 5_000 })).output).toHaveLength(200_000);
  });
});
