/** How the lab's ERP behaves when clients hang up, rows are hot, PostgreSQL or Redis go away, and when it is made to misbehave. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startTestRedis } from './chaos-redis-server.ts';
import { Client, callBody, type Got, type Sent } from './lab-erp-client.ts';
import { exitOf, TestErp, type TestWorker } from './lab-erp-support.ts';

vi.setConfig({ testTimeout: 60_000 });

let erp: TestErp;
let worker: TestWorker;
let client: Client;
let sql: pg.Client;
/** Looks on while `sql` holds a transaction, in which pg_stat_activity would not change. */
let watcher: pg.Client;
let partner: number;
let product: number;

beforeAll(async () => {
  erp = await TestErp.start();
  worker = await erp.startWorker();
  client = new Client(worker.url);
  sql = await erp.connect();
  watcher = await erp.connect();
  partner = await client.call('res.partner', 'create', [{ name: 'Customer' }]);
  product = await client.call('product.product', 'create', [{ name: 'Hot', is_storable: true, list_price: 10 }]);
  const quant = await client.call('stock.quant', 'create', [{ product_id: product, location_id: 8, inventory_quantity: 10_000 }]);
  await client.fault('stock.quant', 'action_apply_inventory', [[quant]]);
});
afterAll(async () => {
  await sql?.end();
  await watcher?.end();
  await erp?.stop();
});

async function until<T>(what: string, look: () => Promise<T | undefined | false>, timeoutMs = 15_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await sleep(50);
  }
}

async function workerWaits(): Promise<boolean> {
  const found = await watcher.query(
    "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'erp-worker'",
  );
  return found.rows.length > 0;
}

async function waiters(): Promise<number> {
  const found = await watcher.query("SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
  return found.rows[0].n;
}

const busy = async (url: string): Promise<Got> => await (await fetch(`${url}/lab/busy`)).json();
const orderOf = (ref: string): { readonly [key: string]: Sent } => ({
  partner_id: partner,
  client_order_ref: ref,
  order_line: [[0, 0, { product_id: product, product_uom_qty: 1 }]],
});

/** Sends a call and hangs up without waiting for the answer. */
function sendAndHangUp(url: string, body: string, afterMs: number): Promise<void> {
  return new Promise((resolve) => {
    const sent = request(`${url}/xmlrpc/2/object`, { method: 'POST', agent: false });
    sent.on('error', () => undefined);
    sent.end(body, () => setTimeout(() => resolve(void sent.destroy()), afterMs));
  });
}

describe('worker', () => {
  test('starts fast, answers health and busy time while a request is in service', async () => {
    const slow = await erp.startWorker({ ERP_SERVICE_TIMES: '{"res.partner.search":600}', ERP_SERVICE_FACTOR: '1' });
    expect(slow.startedInMs).toBeLessThan(3_000);
    const running = new Client(slow.url).call('res.partner', 'search', [[]]);
    await sleep(200);
    const health = await fetch(`${slow.url}/web/health`);
    expect([health.status, await health.json()]).toEqual([200, { status: 'pass' }]);
    expect(await busy(slow.url)).toMatchObject({
      requests: 1,
      busySeconds: expect.any(Number),
      uptimeSeconds: expect.any(Number),
    });
    await running;
    expect((await busy(slow.url)).busySeconds).toBeGreaterThan(0.4);
    expect(await slow.stop()).toBe(0);
  });

  test('finishes the request in hand on SIGTERM, after it stopped listening', async () => {
    const slow = await erp.startWorker({ ERP_SERVICE_TIMES: '{"res.partner.create":500}', ERP_SERVICE_FACTOR: '1' });
    const running = new Client(slow.url).call('res.partner', 'create', [{ name: 'At the last moment' }]);
    await sleep(200);
    const stopped = slow.stop();
    await sleep(50);
    await expect(fetch(`${slow.url}/web/health`)).rejects.toThrow();
    expect(await running).toEqual(expect.any(Number));
    expect(await stopped).toBe(0);
  });

  test('ends when its parent is gone', async () => {
    const orphan = await erp.startWorker();
    orphan.child.stdin?.end();
    expect(await exitOf(orphan.child)).toBe(0);
  });

  test('closes connections beyond a backlog of 32 without an answer', async () => {
    const slow = await erp.startWorker({ ERP_SERVICE_TIMES: '{"res.partner.search":100}', ERP_SERVICE_FACTOR: '1' });
    const results = await Promise.allSettled(
      Array.from({ length: 45 }, () => new Client(slow.url).call('res.partner', 'search', [[]])),
    );
    const answered = results.filter((result) => result.status === 'fulfilled').length;
    expect(answered).toBe(33);
    await slow.stop();
  });

  test('commits the work of a client that hung up', async () => {
    for (let n = 0; n < 6; n += 1)
      await sendAndHangUp(
        worker.url,
        callBody('execute_kw', ['erp', 2, 'admin', 'sale.order', 'create', [orderOf(`hung-${n}`)]]),
        5,
      );
    const count = async (): Promise<number> =>
      await client.call('sale.order', 'search_count', [[['client_order_ref', '=like', 'hung-%']]]);
    await until('the 6 orders', async () => (await count()) === 6);
  });
});

describe('conflicts', () => {
  test('many confirmations of one hot product all succeed and reserve exactly once each', async () => {
    const workers = await Promise.all([erp.startWorker(), erp.startWorker(), erp.startWorker()]);
    const before = (await client.call('product.product', 'read', [[product], ['free_qty']]))[0].free_qty;
    const orders = await client.call('sale.order', 'create', [Array.from({ length: 24 }, (_, n) => orderOf(`hot-${n}`))]);
    const answers = await Promise.all(
      orders.map((id: number, n: number) =>
        new Client((workers[n % 3] as TestWorker).url).call('sale.order', 'action_confirm', [[id]]),
      ),
    );
    expect(answers).toEqual(orders.map(() => true));
    expect((await client.call('product.product', 'read', [[product], ['free_qty']]))[0].free_qty).toBe(before - 24);
    await Promise.all(workers.map((one) => one.stop()));
  });

  test('a row that keeps changing ends in a serialization failure after five tries', async () => {
    const [first, second] = [await erp.connect(), await erp.connect()];
    const change = "UPDATE res_partner SET street = 'x' || random() WHERE id = $1";
    await first.query('BEGIN');
    await first.query(change, [partner]);
    let done = false;
    const call = client.fault('res.partner', 'write', [[partner], { comment: 'from the client' }]).finally(() => {
      done = true;
    });
    // Two sessions hand the row over to each other, so that every try waits for it and finds it changed.
    for (let [holder, next] = [first, second]; !done; [holder, next] = [next, holder]) {
      await until('the worker to wait for the row', async () => done || (await workerWaits()));
      await next.query('BEGIN');
      const taken = next.query(change, [partner]);
      await until('the next holder to wait too', async () => done || (await waiters()) > 1);
      await holder.query('COMMIT');
      await taken;
      await sleep(20);
    }
    await Promise.all([first.end(), second.end()]);
    const fault = await call;
    expect([fault.code, fault.lastLine]).toEqual([
      1,
      'psycopg2.errors.SerializationFailure: could not serialize access due to concurrent update',
    ]);
    expect((await busy(worker.url)).retriedTransactions).toBeGreaterThanOrEqual(4);
    expect((await client.call('res.partner', 'read', [[partner], ['comment']]))[0].comment).toBe(false);
  });
});

describe('PostgreSQL', () => {
  const endSessions = async (): Promise<void> => {
    await watcher.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'erp-worker%'");
  };

  test('a connection that died while idle is replaced without a fault', async () => {
    await client.call('res.partner', 'search', [[]]);
    await endSessions();
    await sleep(50);
    expect(await client.call('res.partner', 'search_count', [[['id', '=', 3]]])).toBe(1);
  });

  test('a connection that dies during a request is a fault with the words of psycopg; the next request works', async () => {
    await sql.query('BEGIN');
    await sql.query('SELECT 1 FROM res_partner WHERE id = $1 FOR UPDATE', [partner]);
    const call = client.fault('res.partner', 'write', [[partner], { comment: 'x' }]);
    await until('the worker to wait', workerWaits);
    await endSessions();
    const fault = await call;
    await sql.query('ROLLBACK');
    expect(fault.code).toBe(1);
    expect(fault.message).toMatch(/psycopg2\.(errors\.AdminShutdown: terminating connection|OperationalError: )/);
    expect(await client.call('res.partner', 'search_count', [[['id', '=', 3]]])).toBe(1);
  });

  test('a read-only server is a fault and the connection is dropped, so that the next request finds the primary', async () => {
    await sql.query('ALTER DATABASE erp SET default_transaction_read_only = on');
    await endSessions();
    await sleep(50);
    const fault = await client.fault('res.partner', 'create', [{ name: 'nowhere' }]);
    expect([fault.code, fault.lastLine]).toEqual([
      1,
      'psycopg2.errors.ReadOnlySqlTransaction: cannot execute INSERT in a read-only transaction',
    ]);
    await sql.query('SET default_transaction_read_only = off');
    await sql.query('ALTER DATABASE erp RESET default_transaction_read_only');
    expect(await client.call('res.partner', 'create', [{ name: 'somewhere' }])).toEqual(expect.any(Number));
  });
});

describe('Redis', () => {
  test('gone, refusing or full costs time, never an answer', async () => {
    const redis = await startTestRedis({ policy: 'noeviction', maxMemoryMiB: 16, maxClients: 50 });
    const own = await erp.startWorker({ ERP_REDIS_URL: redis.url, ERP_PASSWORD_MEMORY_MS: '0' });
    const shop = new Client(own.url);
    await shop.call('res.partner', 'search', [[]]);
    await shop.call('res.partner', 'search', [[]]);
    expect((await busy(own.url)).passwordChecks).toBe(1);
    await redis.stop();
    for (let n = 0; n < 5; n += 1) await shop.call('sale.order', 'create', [orderOf(`without-redis-${n}`)]);
    const after = await busy(own.url);
    // The check is paid again in every request: that is what users feel.
    expect(after.passwordChecks).toBe(6);
    expect(after.redisErrors).toBeGreaterThan(0);
    expect(await own.stop()).toBe(0);
  });

  test('paused or full, it is left alone after a short timeout', async () => {
    const redis = await startTestRedis({ policy: 'noeviction', maxMemoryMiB: 16, maxClients: 50 });
    const admin = new Redis(redis.url);
    const own = await erp.startWorker({ ERP_REDIS_URL: redis.url, ERP_PASSWORD_MEMORY_MS: '0' });
    const shop = new Client(own.url);
    await shop.call('res.partner', 'search', [[]]);
    await admin.client('PAUSE', 3_000, 'ALL');
    const from = performance.now();
    for (let n = 0; n < 6; n += 1) await shop.call('res.partner', 'search', [[]]);
    // Six calls, two commands each: with a timeout for each of them it would be 1.2 s of waiting alone.
    expect(performance.now() - from).toBeLessThan(2_500);
    expect((await busy(own.url)).redisErrors).toBeGreaterThanOrEqual(3);
    await admin.client('UNPAUSE');
    await admin.flushall();
    await admin.config('SET', 'maxmemory', '1');
    await sleep(1_100);
    expect(await shop.call('sale.order', 'create', [orderOf('full-redis')])).toEqual(expect.any(Number));
    admin.disconnect();
    await own.stop();
    await redis.stop();
  });

  test('is not used at all when it is not on the path', async () => {
    const own = await erp.startWorker({ ERP_SABOTAGE: '{"redis-not-on-path":true}', ERP_PASSWORD_MEMORY_MS: '0' });
    await new Client(own.url).call('res.partner', 'search', [[]]);
    await new Client(own.url).call('res.partner', 'search', [[]]);
    expect(await busy(own.url)).toMatchObject({ passwordChecks: 2, redisErrors: 0 });
    await own.stop();
  });
});

describe('sabotage', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'peakproof-sabotage-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const logged = (file: string): readonly { sabotage: string; key: string; at: number }[] => {
    try {
      return readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as never);
    } catch {
      return [];
    }
  };

  async function captureOrders(prefix: string, count: number): Promise<readonly string[]> {
    const refs = Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
    const ids = await client.call('sale.order', 'create', [refs.map(orderOf)]);
    await client.call('sale.order', 'action_confirm', [ids]);
    return refs;
  }
  const present = async (refs: readonly string[]): Promise<string[]> =>
    (await client.call('sale.order', 'search_read', [[['client_order_ref', 'in', refs]], ['client_order_ref']])).map(
      (order: Got) => order.client_order_ref,
    );

  /** Reserved quantity on the quant against what open moves have reserved. */
  async function reservationsAgree(): Promise<void> {
    const { rows } = await sql.query(
      "SELECT (SELECT reserved_quantity FROM stock_quant WHERE product_id = $1 AND location_id = 8)::float AS quant, (SELECT COALESCE(sum(quantity), 0) FROM stock_move WHERE product_id = $1 AND state IN ('assigned', 'partially_available'))::float AS moves",
      [product],
    );
    expect(rows[0].quant).toBe(rows[0].moves);
  }

  test('loses, doubles and unbalances exactly what it logs', async () => {
    const seeded = await captureOrders('seed', 8);
    const file = join(folder, 'log.ndjson');
    const cron = erp.startCron({
      ERP_SABOTAGE: '{"lose-acknowledged-writes":2,"duplicate-orders":1,"unbalanced-entries":1}',
      ERP_SABOTAGE_LOG: file,
    });
    cron.stdout?.resume();
    await sleep(1_500);
    const refs = await captureOrders('run', 8);
    const accounts = await client.call('account.account', 'search', [[['account_type', 'in', ['income', 'expense']]]], {
      limit: 2,
    });
    const [journal] = await client.call('account.journal', 'search', [[['code', '=', 'MISC']]]);
    const entries = await client.call('account.move', 'create', [
      Array.from({ length: 4 }, (_, n) => ({
        ref: `entry-${n}`,
        journal_id: journal,
        line_ids: [
          [0, 0, { account_id: accounts[0], debit: 10, credit: 0 }],
          [0, 0, { account_id: accounts[1], debit: 0, credit: 10 }],
        ],
      })),
    ]);
    await client.call('account.move', 'action_post', [entries]);
    await until('all three deeds', async () => logged(file).length >= 4, 40_000);
    await sleep(1_500);
    const deeds = Map.groupBy(logged(file), (deed) => deed.sabotage);
    const keys = (name: string): readonly string[] => (deeds.get(name) ?? []).map((deed) => deed.key);
    expect([keys('lose-acknowledged-writes').length, keys('duplicate-orders').length, keys('unbalanced-entries').length]).toEqual(
      [2, 1, 1],
    );

    const left = await present(refs);
    expect(refs.filter((ref) => !left.includes(ref)).sort()).toEqual([...keys('lose-acknowledged-writes')].sort());
    expect(left.filter((ref) => left.indexOf(ref) !== left.lastIndexOf(ref)).slice(1)).toEqual(keys('duplicate-orders'));
    expect((await present(seeded)).length).toBe(8);
    await reservationsAgree();
    const sums = await client.call('account.move.line', 'read_group', [
      [['move_id', 'in', entries]],
      ['balance:sum'],
      ['move_id'],
    ]);
    const bad = sums.filter((group: Got) => group.balance !== 0);
    expect(bad.map((group: Got) => [group.move_id[1].includes(`(${keys('unbalanced-entries')[0]})`), group.balance])).toEqual([
      [true, 1],
    ]);
    cron.kill('SIGTERM');
    expect(await exitOf(cron)).toBe(0);
  });

  test('a slow baseline takes about eight times as long', async () => {
    const slow = await erp.startWorker({ ERP_SERVICE_FACTOR: '1', ERP_SABOTAGE: 'slow-baseline' });
    const shop = new Client(slow.url);
    await shop.call('res.partner', 'search', [[]]);
    const from = performance.now();
    await shop.call('res.partner', 'search', [[]]);
    expect(performance.now() - from).toBeGreaterThan(12 * 8 * 0.8);
    await slow.stop();
  });
});
