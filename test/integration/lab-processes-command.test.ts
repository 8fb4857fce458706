/** `lab up`, `status` and `down` as a user types them, with every part real. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { labPackageRoot } from '../../lab/package-root.ts';
import type { LabConnection } from '../../lab/processes/connection.ts';
import { recordedFolders } from '../../lab/processes/lab-folder.ts';
import { isPortFree } from '../../lab/processes/ports.ts';
import { startToken } from '../../lab/processes/process-identity.ts';
import { awaitCondition } from '../../lab/processes/wait.ts';

const state = mkdtempSync(join(tmpdir(), 'peakproof-state-'));
const program = join(labPackageRoot(), 'lab/processes/main.ts');
const env = { ...process.env, PEAKPROOF_STATE: state };

async function lab(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args], { env, timeout: 90_000 });
  return stdout;
}

async function failing(...args: readonly string[]): Promise<{ readonly code: unknown; readonly stderr: string }> {
  try {
    await lab(...args);
  } catch (error) {
    if (error instanceof Error && 'stderr' in error && 'code' in error) return { code: error.code, stderr: String(error.stderr) };
    throw error;
  }
  throw new Error(`lab ${args.join(' ')} did not fail`);
}

async function up(name: string, ...args: readonly string[]): Promise<LabConnection> {
  return JSON.parse(await lab('up', '--detach', '--json', '--name', name, ...args)) as LabConnection;
}

interface Footprint {
  readonly pids: readonly number[];
  readonly ports: readonly number[];
  readonly folders: readonly string[];
}

/** Everything a lab has on this machine, from what it recorded and what it says. */
async function footprintOf(connection: LabConnection): Promise<Footprint> {
  const records = readFileSync(join(connection.dir, 'processes.ndjson'), 'utf8').trim().split('\n');
  const text = JSON.stringify(connection) + readFileSync(connection.kubeconfig, 'utf8');
  return {
    pids: records.map((line) => (JSON.parse(line) as { pid: number }).pid),
    ports: [...new Set([...text.matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port)))],
    folders: [connection.dir, ...recordedFolders(connection.dir)],
  };
}

async function expectNothingLeft({ pids, ports, folders }: Footprint): Promise<void> {
  expect(pids.length).toBeGreaterThan(6);
  expect(ports.length).toBeGreaterThanOrEqual(9);
  expect(pids.filter((pid) => startToken(pid) !== null)).toEqual([]);
  expect((await Promise.all(ports.map(async (port) => ((await isPortFree(port)) ? [] : [port])))).flat()).toEqual([]);
  expect(folders.filter((folder) => existsSync(folder))).toEqual([]);
  expect(readdirSync(join(state, 'lab-registry'))).toEqual([]);
}

afterEach(async () => {
  await lab('down', '--all');
});
afterAll(() => rmSync(state, { recursive: true, force: true }));

describe('lab up', () => {
  test('two labs run side by side, each with its own everything, and down takes one and leaves the other', async () => {
    const [first, second] = await Promise.all([up('first'), up('second', '--synchronous')]);
    const labs = JSON.parse(await lab('status', '--json')) as { name: string; state: string }[];
    expect(labs.map(({ name, state: running }) => [name, running]).sort()).toEqual([
      ['first', 'running'],
      ['second', 'running'],
    ]);
    const footprints = [await footprintOf(first), await footprintOf(second)] as const;
    expect(footprints[0].ports.filter((port) => footprints[1].ports.includes(port))).toEqual([]);

    for (const connection of [first, second]) {
      expect((await fetch(`${connection.odooUrl}/web/health`)).status).toBe(200);
      expect((await fetch(connection.ingressHealthUrl)).status).toBe(200);
      expect(statSync(connection.passwordFile).mode & 0o077).toBe(0);
      expect(statSync(connection.kubeconfig).mode & 0o077).toBe(0);
      const url = new URL(connection.postgresUrl);
      const client = new pg.Client({
        host: url.hostname,
        port: Number(url.port),
        user: connection.postgresUser,
        database: 'erp',
        password: readFileSync(connection.postgresPasswordFile, 'utf8'),
      });
      await client.connect();
      expect((await client.query('select pg_is_in_recovery() as standby')).rows).toEqual([{ standby: false }]);
      await client.end();
    }

    expect(await lab('down', '--name', 'first')).toBe('lab "first" is stopped and removed\n');
    expect(footprints[0].pids.filter((pid) => startToken(pid) !== null)).toEqual([]);
    expect((await fetch(`${second.odooUrl}/web/health`)).status).toBe(200);
    await lab('down', '--name', 'second');
    await expectNothingLeft(footprints[0]);
    await expectNothingLeft(footprints[1]);
  });

  test('down leaves nothing behind after a kill -9 of the supervisor and of the process that tidies up after it', async () => {
    const connection = await up('orphan');
    const footprint = await footprintOf(connection);
    const { network } = (await (await fetch(`${connection.controlUrl}/state`)).json()) as { network: { pid: number } };
    process.kill(network.pid, 'SIGSTOP');
    process.kill(connection.supervisorPid, 'SIGKILL');
    await awaitCondition('the supervisor to be gone', () => (startToken(connection.supervisorPid) === null ? true : undefined), {
      timeoutMs: 5_000,
    });
    const [status] = JSON.parse(await lab('status', '--json')) as { state: string; processes: { role: string }[] }[];
    expect(status?.state).toBe('orphaned');
    expect(status?.processes.map(({ role }) => role)).toEqual(expect.arrayContaining(['network', 'redis', 'postgres']));
    await lab('down');
    await expectNothingLeft(footprint);
  });

  test('a lab whose supervisor was killed takes itself down', async () => {
    const connection = await up('alone');
    const footprint = await footprintOf(connection);
    process.kill(connection.supervisorPid, 'SIGKILL');
    await awaitCondition('the folder to be gone', () => (existsSync(connection.dir) ? undefined : true), { timeoutMs: 20_000 });
    await awaitCondition(
      'the processes to be gone',
      () => (footprint.pids.every((pid) => startToken(pid) === null) ? true : undefined),
      {
        timeoutMs: 5_000,
      },
    );
    // A postmaster that was killed leaves its port with its children until they notice, which takes them a moment.
    await awaitCondition(
      'the ports to be free',
      async () => ((await Promise.all(footprint.ports.map(isPortFree))).every((free) => free) ? true : undefined),
      { timeoutMs: 10_000 },
    );
    await expectNothingLeft(footprint);
  });

  test('goes with the process that --exit-with-parent names', async () => {
    const parent = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    try {
      const connection = await up('child', '--exit-with-parent', String(parent.pid));
      const footprint = await footprintOf(connection);
      parent.kill('SIGKILL');
      await awaitCondition(
        'the supervisor to be gone',
        () => (startToken(connection.supervisorPid) === null ? true : undefined),
        {
          timeoutMs: 20_000,
        },
      );
      await expectNothingLeft(footprint);
    } finally {
      parent.kill('SIGKILL');
    }
  });

  test('in the foreground it prints where everything is, and Ctrl-C stops it', async () => {
    const child = spawn(process.execPath, [program, 'up', '--json', '--name', 'front'], {
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      const footprint = await footprintOf(JSON.parse(line.toString()) as LabConnection);
      child.kill('SIGINT');
      expect(await once(child, 'exit')).toEqual([0, null]);
      await expectNothingLeft(footprint);
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('freezes the database path on command, and says for how long', async () => {
    const { controlUrl } = await up('frozen');
    const answer = await fetch(`${controlUrl}/freeze`, { method: 'POST', body: '{"ms":300,"wait":true}' });
    const span = (await answer.json()) as { frozenAt: number; thawedAt: number };
    expect(span.thawedAt - span.frozenAt).toBeGreaterThanOrEqual(299);
    expect(span.thawedAt - span.frozenAt).toBeLessThan(400);
    const { network } = (await (await fetch(`${controlUrl}/state`)).json()) as { network: { database: unknown } };
    expect(network.database).toMatchObject({ frozen: false, freezes: [span] });
    expect((await fetch(`${controlUrl}/freeze`, { method: 'POST', body: '{"ms":-1}' })).status).toBe(400);
  });
});

describe('bad input', () => {
  test.each([
    [['up', '--name', 'Über'], /--name Über: must be 1 to 40/],
    [['up', '--sabotage', 'explode'], /--sabotage explode: there is no such switch\n +there are lose-acknowledged-writes=N/],
    [['up', '--workers-min', '3', '--workers-max', '2'], /--workers-max 2: must be a whole number from 3/],
    [['up', '--redis-policy', 'lru'], /--redis-policy lru: there is no such policy/],
    [['up', '--exit-with-parent', '999999999'], /--exit-with-parent 999999999: there is no such process/],
  ])('%j is one clear sentence and starts nothing', async (args, message) => {
    const { code, stderr } = await failing(...args);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(message);
    expect(JSON.parse(await lab('status', '--json'))).toEqual([]);
    expect(existsSync(join(state, 'labs', 'lab'))).toBe(false);
  });

  test('down without a lab succeeds, so that it can be repeated', async () => {
    expect(await lab('down', '--name', 'nobody')).toBe('no lab is running\n');
  });
});
