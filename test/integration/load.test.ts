/** The real k6 with the real scenarios, on a stub of Odoo whose answers go wrong on demand. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readLoadWrites } from '../../src/load/read-load-writes.ts';
import type { SampleRow } from '../../src/load/samples-csv.ts';
import { watchLoad } from '../../src/load/watch-load.ts';
import type { ScenarioSpec } from '../../src/model/plan.ts';
import {
  aFlashSale,
  aMonthEnd,
  aPosBurst,
  collect,
  type FinishedLoad,
  removeFolder,
  runToEnd,
  startLoad,
} from './load-fixtures.ts';
import { type StubOdoo, startStubOdoo } from './load-stub-odoo.ts';

let stub: StubOdoo;
const folders: string[] = [];

beforeEach(async () => {
  stub = await startStubOdoo();
});
afterEach(async () => {
  await stub.close();
  await Promise.all(folders.splice(0).map(removeFolder));
});

async function run(...scenarios: ScenarioSpec[]): Promise<FinishedLoad> {
  const finished = await runToEnd(stub.url, scenarios);
  folders.push(finished.dir);
  return finished;
}

const steps = (calls: readonly SampleRow[], step: string) => calls.filter((call) => call.tags.step === step);
const outcomes = (calls: readonly SampleRow[], step: string) => steps(calls, step).map((call) => call.tags.outcome);
const writesOf = ({ dir }: FinishedLoad) => collect(readLoadWrites(join(dir, 'load')));

/** One iteration, at once. */
const oneCustomer = { stages: [{ ratePerSecond: 4, durationMs: 900 }], cancelRatio: 0 };

describe('the three scenarios', () => {
  test('run beside each other with one login, and every write is in the ledger under a key of its own', async () => {
    const finished = await run(aFlashSale(), aPosBurst(), aMonthEnd());
    expect(finished.end).toMatchObject({ exitCode: 0, scriptErrors: 0, detail: 'complete', problem: null, k6Version: '2.2.0' });
    expect(stub.logins()).toBe(1);
    const planned = Object.fromEntries(finished.end.planned.map(({ scenario, iterations }) => [scenario, iterations]));
    const ran = Object.fromEntries(
      Object.keys(planned).map((id) => [id, finished.journeys.filter((journey) => journey.tags.scenario === id).length]),
    );
    expect(ran.tills).toBe(planned.tills);
    expect(ran['month-end']).toBe(planned['month-end']);
    expect(Math.abs((ran.sale ?? 0) - (planned.sale ?? 0))).toBeLessThanOrEqual(1);
    expect(finished.journeys.filter((journey) => journey.tags.outcome !== 'ok')).toEqual([]);

    const writes = await writesOf(finished);
    expect(new Set(writes.map((write) => `${write.effect} ${write.key}`)).size).toBe(writes.length);
    expect(writes.every((write) => write.outcome === 'ok' && write.sentAt < write.answeredAt)).toBe(true);
    const created = (model: string) =>
      writes.filter((write) => write.model === model && write.effect === 'create').map((write) => write.key);
    expect(created('sale.order').sort()).toEqual(
      stub
        .rows('sale.order')
        .map((row) => row.client_order_ref)
        .sort(),
    );
    expect(created('pos.order').sort()).toEqual(
      stub
        .rows('pos.order')
        .map((row) => row.uuid)
        .sort(),
    );
    expect(created('account.move').sort()).toEqual(
      stub
        .rows('account.move')
        .map((row) => row.ref)
        .sort(),
    );
    expect(created('pos.order')).toHaveLength(4 * 7);
    expect(stub.rows('pos.session').map((session) => session.state)).toEqual(['closed', 'closed', 'closed', 'closed']);
    expect(stub.rows('lock').at(-1)?.date).toBe(false);
    expect(
      new Set(finished.calls.filter((call) => call.tags.scenario === 'month-end').map((call) => call.tags.load_class)),
    ).toEqual(new Set(['background', 'reporting', 'user']));
    const summary: unknown = JSON.parse(await readFile(join(finished.dir, 'load', 'summary.json'), 'utf8'));
    expect(summary).toHaveProperty('metrics.odoo_call');
    const log = await readFile(join(finished.dir, 'load', 'k6.log'), 'utf8');
    const files = await Promise.all(
      ['load.json', 'runner.json', 'samples.csv'].map((name) => readFile(join(finished.dir, 'load', name), 'utf8')),
    );
    expect([log, ...files].some((text) => text.includes('right'))).toBe(false);
  });
});

describe('an answer that goes wrong', () => {
  test('a fault is a fail, and the customer goes away', async () => {
    stub.mishap('sale.order/create', { kind: 'fault', code: 2, text: 'The operation cannot be completed: no' }, 1);
    const finished = await run(aFlashSale(oneCustomer));
    expect(steps(finished.calls, 'create')[0]?.tags).toMatchObject({ outcome: 'fail', fault: 'business' });
    expect(finished.journeys[0]?.tags.outcome).toBe('fail');
    expect(await writesOf(finished)).toEqual([]);
  });

  test('no answer in time is unknown, and so is a connection cut after sending', async () => {
    stub.mishap('sale.order/create', { kind: 'never' }, 1);
    stub.mishap('sale.order/action_confirm', { kind: 'after-close' }, 1);
    const finished = await run(aFlashSale({ ...oneCustomer, stages: [{ ratePerSecond: 5, durationMs: 1_200 }], timeoutMs: 600 }));
    expect(steps(finished.calls, 'create').find((call) => call.tags.outcome === 'unknown')?.tags.fault).toBe('timeout');
    expect(steps(finished.calls, 'confirm').find((call) => call.tags.outcome === 'unknown')?.tags.fault).toMatch(
      /connection-lost|reset/,
    );
    const unknown = (await writesOf(finished)).filter((write) => write.outcome === 'unknown');
    expect(unknown.map((write) => write.effect).sort()).toEqual(['confirm', 'create']);
  });

  test('an impatient customer who finds the order does not order twice, and takes it for placed', async () => {
    stub.mishap('sale.order/create', { kind: 'never' }, 1);
    const finished = await run(aFlashSale({ ...oneCustomer, retryRatio: 1, patienceMs: 400 }));
    expect(outcomes(finished.calls, 'create')).toContain('unknown');
    expect(steps(finished.calls, 'find-order').at(-1)?.tags).toMatchObject({ outcome: 'ok', effect: 'create' });
    const refs = stub.rows('sale.order').map((row) => row.client_order_ref);
    expect(new Set(refs).size).toBe(refs.length);
    expect((await writesOf(finished)).every((write) => write.outcome === 'ok')).toBe(true);
    expect(finished.journeys.every((journey) => journey.tags.outcome === 'ok')).toBe(true);
  });

  test('a till sends the same uuids again after no answer', async () => {
    stub.mishap('pos.order/sync_from_ui', { kind: 'never' }, 1);
    const finished = await run(
      aPosBurst({ stores: 1, tillsPerStore: 1, ticketsPerTill: 2, batchSize: 2, catchUpMs: 1_500, timeoutMs: 700 }),
    );
    expect(outcomes(finished.calls, 'sync')).toEqual(['unknown']);
    expect(outcomes(finished.calls, 'sync-again')).toEqual(['ok']);
    expect(stub.rows('pos.order')).toHaveLength(2);
    expect((await writesOf(finished)).map((write) => write.outcome)).toEqual(['ok', 'ok']);
  });

  test('billing runs invoice each order once, whatever the answers, and never one that its customer cancels', async () => {
    // Done, and the answer lost: a client that asked again would make a second invoice here.
    stub.mishap('sale.advance.payment.inv/create_invoices', { kind: 'after-close' }, 2);
    const finished = await run(
      aFlashSale({ stages: [{ ratePerSecond: 30, durationMs: 4_000 }], cancelRatio: 0.3 }),
      aMonthEnd({
        durationMs: 5_000,
        batchesPerMinute: 12,
        reportsPerMinute: 0,
        invoiceRunsPerMinute: 240,
        ordersPerInvoiceRun: 3,
        shopRatePerSecond: 4,
        lockDate: false,
      }),
    );
    expect(finished.end).toMatchObject({ exitCode: 0, scriptErrors: 0 });
    const invoices = stub.rows('account.move').filter((row) => row.move_type === 'out_invoice');
    const refs = invoices.map((row) => String(row.ref));
    expect(new Set(refs).size).toBe(refs.length);
    expect(refs.some((ref) => ref.includes('-sale-')) && refs.some((ref) => ref.includes('-month-end-'))).toBe(true);
    const cancelled = stub.rows('sale.order').filter((row) => row.state === 'cancel');
    expect(cancelled.length).toBeGreaterThan(0);
    expect(cancelled.filter((row) => refs.includes(String(row.client_order_ref)))).toEqual([]);

    const billed = (await writesOf(finished)).filter((write) => write.model === 'account.move' && refs.includes(write.key));
    const created = billed.filter(({ effect }) => effect === 'create');
    expect(created.map(({ key }) => key).sort()).toEqual([...refs].sort());
    expect(created.every(({ outcome, service }) => outcome === 'ok' && service === 'financial-posting')).toBe(true);
    expect(billed.filter(({ effect }) => effect === 'post').map(({ key }) => key)).toHaveLength(refs.length);
    expect(invoices.every((row) => row.state === 'posted')).toBe(true);
  });

  test('a month-end job looks for its entries after no answer, and goes on with them', async () => {
    stub.mishap('account.move/create', { kind: 'after-close' }, 1);
    const finished = await run(
      aMonthEnd({
        durationMs: 2_000,
        batchesPerMinute: 30,
        reportsPerMinute: 0,
        shopRatePerSecond: 0,
        lockDate: false,
        timeoutMs: 2_000,
      }),
    );
    expect(outcomes(finished.calls, 'create')).toEqual(['unknown']);
    expect(outcomes(finished.calls, 'find-entries')).toEqual(['ok']);
    expect(stub.rows('account.move')).toHaveLength(5);
    expect((await writesOf(finished)).filter((write) => write.effect === 'create').every((write) => write.outcome === 'ok')).toBe(
      true,
    );
  });

  test('a page of the ingress with status 502 leaves the write unknown, a refused one does not', async () => {
    stub.mishap('sale.order/create', { kind: 'status', status: 502, body: '<h1>Bad Gateway</h1>' }, 1);
    const finished = await run(aFlashSale(oneCustomer));
    expect(steps(finished.calls, 'create')[0]?.tags).toMatchObject({ outcome: 'unknown', fault: 'http-502' });
  });
});

describe('the runner', () => {
  test('says what is wrong when the login is refused', async () => {
    const { dir, load } = await startLoad(stub.url, [aFlashSale()], 'wrong');
    folders.push(dir);
    await expect(load.started).rejects.toMatchObject({
      code: 'ERR_K6_FAILED',
      message: expect.stringContaining('wrong login or password'),
    });
    expect(await load.ended).toMatchObject({ exitCode: 107 });
  });

  test('says what is wrong when nothing listens', async () => {
    const { dir, load } = await startLoad('http://127.0.0.1:1', [aFlashSale()]);
    folders.push(dir);
    await expect(load.started).rejects.toMatchObject({ message: expect.stringContaining('refused') });
  });

  test('shows live figures, stops when told, closes the tills, and writes what it knows', async () => {
    const { dir, load } = await startLoad(stub.url, [
      aFlashSale({ stages: [{ ratePerSecond: 20, durationMs: 60_000 }] }),
      aPosBurst({ ticketsPerTill: 300, catchUpMs: 60_000 }),
    ]);
    folders.push(dir);
    await load.started;
    const watch = watchLoad(join(dir, 'load'));
    await expect.poll(() => watch.current().ok, { timeout: 20_000 }).toBeGreaterThan(3);
    load.stop();
    const end = await load.ended;
    await watch.stop();
    expect(end).toMatchObject({ detail: 'stopped by the harness', problem: null, exitCode: 105 });
    expect(watch.current()).toMatchObject({ errors: 0, dropped: 0 });
    expect(stub.rows('pos.session').every((session) => session.state === 'closed')).toBe(true);
    expect(JSON.parse(await readFile(join(dir, 'load', 'runner.json'), 'utf8'))).toMatchObject({
      runner: 'test',
      scriptErrors: 0,
    });
  });

  test('counts iterations that found no free VU as dropped', async () => {
    stub.mishap('product.product/search_read', { kind: 'never' }, 1);
    const finished = await run(aFlashSale({ maxVus: 1, timeoutMs: 1_500 }));
    const watch = watchLoad(join(finished.dir, 'load'));
    await watch.stop();
    expect(watch.current().dropped).toBeGreaterThan(5);
    expect(watch.current().scheduled).toBeGreaterThanOrEqual(16);
  });
});
