import { beforeEach, describe, expect, it } from 'vitest';
import type { BusinessService, ProbeSpec } from '../../../../src/model/plan.ts';
import type { LedgerWrite, ProbeRecord } from '../../../../src/model/run-records.ts';
import { type RunningProbes, startProbes } from '../../../../src/observe/probes/start-probes.ts';
import { aCatalogue } from '../../../builders/a-catalogue.ts';
import { createFakeClock, type FakeClock } from '../../../fakes/fake-clock.ts';
import { type FakeCall, FakeOdoo, fault, ok, type Reply, refused, timedOut } from '../../../fakes/fake-odoo.ts';

let odoo: FakeOdoo;
let clock: FakeClock;
let records: ProbeRecord[];
let writes: LedgerWrite[];

beforeEach(() => {
  odoo = new FakeOdoo();
  odoo.insert('pos.config', { id: 42, name: 'PP42-PROBE' });
  clock = createFakeClock({ auto: false });
  records = [];
  writes = [];
});

const spec = (service: BusinessService, changes: Partial<ProbeSpec> = {}): ProbeSpec => ({
  service,
  intervalMs: 1000,
  timeoutMs: 5000,
  slowMs: 800,
  ...changes,
});

async function start(...specs: readonly ProbeSpec[]): Promise<RunningProbes> {
  return await startProbes({
    specs,
    odoo,
    catalogue: aCatalogue(),
    runId: 'r1',
    clock,
    write: (record) => records.push(record),
    ledger: (write) => writes.push(write),
  });
}

/** Answers matching calls only after this much time, with what the fake says then. */
function slow(method: string, ms: number): void {
  odoo.intercept = (call): Promise<Reply> | undefined => {
    if (`${call.model}.${call.method}` !== method) return undefined;
    return clock.sleep(ms).then(() => ok(1));
  };
}

const outcomes = (): string[] => records.map((record) => record.outcome);

describe('startProbes', () => {
  it('sends at a fixed rate, stamped when sent, under keys that occur once', async () => {
    const probes = await start(spec('order-capture'));
    await clock.advance(4500);
    await probes.stop();
    expect(records.map(({ sentAt }) => sentAt - 1_700_000_000_000)).toEqual([0, 1000, 2000, 3000, 4000]);
    expect(records.every(({ sentAt, scheduledAt, good }) => sentAt === scheduledAt && good)).toBe(true);
    expect(records.map(({ key }) => key)).toEqual([0, 1, 2, 3, 4].map((n) => `PP-r1-probe-order-capture-${n}`));
    expect(odoo.rows('sale.order').map(({ client_order_ref }) => client_order_ref)).toEqual(records.map(({ key }) => key));
    expect(writes).toHaveLength(5);
    expect(writes[0]).toMatchObject({ row: 'write', model: 'sale.order', effect: 'create', origin: 'probe', outcome: 'ok' });
  });

  it('is never delayed by a slow answer, and calls a late one bad', async () => {
    slow('sale.order.create', 3500);
    const probes = await start(spec('order-capture'));
    await clock.advance(3000);
    expect(odoo.count('sale.order.create')).toBe(4);
    expect(records).toEqual([]);
    await clock.advance(1000);
    expect(records).toMatchObject([{ latencyMs: 3500, outcome: 'ok', good: false }]);
    const stopped = probes.stop();
    await clock.advance(10_000);
    await stopped;
    expect(records).toHaveLength(5);
  });

  it('calls an answer in exactly the time allowed good', async () => {
    slow('sale.order.create', 800);
    const probes = await start(spec('order-capture'));
    await clock.advance(900);
    await probes.stop();
    expect(records).toMatchObject([{ latencyMs: 800, good: true }]);
  });

  it('does not drift', async () => {
    const probes = await start(spec('order-capture', { intervalMs: 333.3 }));
    await clock.advance(333.3 * 100 + 1);
    await probes.stop();
    expect(records).toHaveLength(101);
    expect((records.at(-1)?.sentAt ?? 0) - 1_700_000_000_000).toBeCloseTo(33_330, 3);
  });

  it('spreads several probes over the interval', async () => {
    const probes = await start(spec('order-capture'), spec('pos'), spec('financial-posting'));
    await clock.advance(999);
    await probes.stop();
    expect(records.map(({ service }) => service)).toEqual(['order-capture', 'pos', 'financial-posting']);
    expect((records[1]?.sentAt ?? 0) - (records[0]?.sentAt ?? 0)).toBeCloseTo(333, 0);
  });

  it('records a shot that was not sent, as bad, when too many are unanswered', async () => {
    slow('sale.order.create', 1_000_000);
    const probes = await start(spec('order-capture', { intervalMs: 10 }));
    await clock.advance(2049);
    expect(odoo.count('sale.order.create')).toBe(200);
    expect(records).toHaveLength(5);
    expect(records[0]).toMatchObject({ outcome: 'fail', good: false, detail: 'not sent: 200 shots are unanswered' });
    expect(writes).toEqual([]);
    const stopped = probes.stop();
    await clock.advance(1_000_000);
    await stopped;
  });

  it('keeps failed writes out of the ledger and unknown ones in it', async () => {
    const replies: Reply[] = [refused, timedOut];
    odoo.intercept = (call) => (call.model === 'sale.order' ? replies.shift() : undefined);
    const probes = await start(spec('order-capture'));
    await clock.advance(2500);
    await probes.stop();
    expect(outcomes()).toEqual(['fail', 'unknown', 'ok']);
    expect(writes.map(({ outcome }) => outcome)).toEqual(['unknown', 'ok']);
    expect(records[0]).toMatchObject({ good: false, detail: 'connection to erp refused' });
  });

  it('throws at stop what the record could not be written for', async () => {
    const probes = await startProbes({
      specs: [spec('order-capture')],
      odoo,
      catalogue: aCatalogue(),
      runId: 'r1',
      clock,
      write: () => {
        throw new Error('no space left');
      },
      ledger: () => undefined,
    });
    await clock.advance(3000);
    await expect(probes.stop()).rejects.toThrow('no space left');
    expect(odoo.count('sale.order.create')).toBe(1);
  });
});

describe('the financial probe', () => {
  it('creates and posts a balanced entry; its latency is that of both calls', async () => {
    odoo.intercept = (call) => (call.method === 'action_post' ? clock.sleep(300).then(() => ok(false)) : undefined);
    const probes = await start(spec('financial-posting'));
    await clock.advance(999);
    await probes.stop();
    expect(records).toMatchObject([{ outcome: 'ok', latencyMs: 300, good: true }]);
    expect(writes.map(({ effect, outcome }) => `${effect} ${outcome}`)).toEqual(['create ok', 'post ok']);
    const lines = odoo.rows('account.move.line');
    expect(lines.map(({ debit, credit }) => [debit, credit])).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });

  it.each<[string, string, Reply, string, string[]]>([
    ['the posting is unknown', 'action_post', timedOut, 'unknown', ['create ok', 'post unknown']],
    ['the posting failed', 'action_post', fault('not balanced.'), 'fail', ['create ok']],
    ['the creation is unknown', 'create', timedOut, 'unknown', ['create unknown']],
    ['the creation failed', 'create', refused, 'fail', []],
  ])('takes the worst of its calls when %s', async (_title, method, reply, outcome, ledger) => {
    odoo.intercept = (call) => (call.method === method ? reply : undefined);
    const probes = await start(spec('financial-posting'));
    await clock.advance(999);
    await probes.stop();
    expect(outcomes()).toEqual([outcome]);
    expect(writes.map((write) => `${write.effect} ${write.outcome}`)).toEqual(ledger);
  });
});

describe('the POS probe', () => {
  const isSync = (call: FakeCall): boolean => call.method === 'sync_from_ui';

  it('opens its session, sends tickets that are paid in full, and closes it', async () => {
    const probes = await start(spec('pos'));
    expect(odoo.rows('pos.session')).toMatchObject([{ config_id: 42, state: 'opened' }]);
    await clock.advance(2500);
    expect(await probes.stop()).toEqual([]);
    const orders = odoo.rows('pos.order');
    expect(orders).toHaveLength(3);
    expect(orders.every(({ amount_total, amount_paid }) => amount_total === amount_paid && Number(amount_total) > 0)).toBe(true);
    expect(orders.map(({ uuid }) => uuid)).toEqual(records.map(({ key }) => key));
    expect(records[0]?.key).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(odoo.rows('pos.session')).toMatchObject([{ state: 'closed' }]);
  });

  it('takes a session that is open already', async () => {
    odoo.insert('pos.session', { id: 7, config_id: 42, state: 'opened' });
    const probes = await start(spec('pos'));
    await clock.advance(500);
    await probes.stop();
    expect(odoo.count('pos.config.open_ui')).toBe(0);
    expect(odoo.rows('pos.order')).toMatchObject([{ session_id: 7 }]);
  });

  it('opens a new session, once, when its own vanished', async () => {
    const probes = await start(spec('pos'));
    await clock.advance(500);
    odoo.table('pos.session').clear();
    await clock.advance(3000);
    await probes.stop();
    expect(outcomes()).toEqual(['ok', 'fail', 'ok', 'ok']);
    expect(odoo.count('pos.config.open_ui')).toBe(2);
  });

  it('does not try to reopen while the target is down', async () => {
    odoo.intercept = (call) => (isSync(call) ? refused : undefined);
    const probes = await start(spec('pos'));
    await clock.advance(2500);
    expect(odoo.count('pos.session.search_read')).toBe(3);
    odoo.intercept = () => undefined;
    await probes.stop();
    expect(outcomes()).toEqual(['fail', 'fail', 'fail']);
  });

  it('calls an answer without the ticket unknown', async () => {
    odoo.intercept = (call) => (isSync(call) ? ok({ 'pos.order': [] }) : undefined);
    const probes = await start(spec('pos'));
    await clock.advance(500);
    await probes.stop();
    expect(records).toMatchObject([{ outcome: 'unknown', good: false, detail: 'the answer does not hold the ticket' }]);
  });

  it('says why its session could not be opened', async () => {
    odoo.intercept = (call) => (call.method === 'set_opening_control' ? fault('The session is rescued') : undefined);
    await expect(start(spec('pos'))).rejects.toMatchObject({
      code: 'ERR_ODOO_FAULT',
      message: expect.stringContaining('The session is rescued'),
    });
  });

  it('says that its session stayed open although the server answered without a fault', async () => {
    const probes = await start(spec('pos'));
    odoo.intercept = (call) =>
      call.method === 'close_session_from_ui' ? ok({ successful: false, message: 'draft orders' }) : undefined;
    expect(await probes.stop()).toEqual([expect.stringContaining('did not close: draft orders')]);
  });

  it('does not wait for a target that is gone three times over', async () => {
    const probes = await start(spec('pos'));
    odoo.intercept = (call) => (call.model === 'pos.session' ? timedOut : undefined);
    const before = odoo.calls.length;
    expect(await probes.stop()).toEqual([expect.stringContaining('did not close: no answer within')]);
    expect(odoo.calls.slice(before).filter(({ model }) => model === 'pos.session')).toHaveLength(1);
  });
});
