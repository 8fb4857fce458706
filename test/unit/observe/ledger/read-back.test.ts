import { beforeEach, describe, expect, it } from 'vitest';
import type { LedgerGap, LedgerReadBack, LedgerWrite } from '../../../../src/model/run-records.ts';
import { awaitQuiet } from '../../../../src/observe/ledger/await-quiet.ts';
import { readBack } from '../../../../src/observe/ledger/read-back.ts';
import { createFakeClock, type FakeClock } from '../../../fakes/fake-clock.ts';
import { FakeOdoo, fault, refused, timedOut } from '../../../fakes/fake-odoo.ts';

let odoo: FakeOdoo;
let clock: FakeClock;

beforeEach(() => {
  odoo = new FakeOdoo();
  clock = createFakeClock();
});

const write = (key: string, changes: Partial<LedgerWrite> = {}): LedgerWrite => ({
  row: 'write',
  key,
  service: 'order-capture',
  model: 'sale.order',
  effect: 'create',
  origin: 'load',
  outcome: 'ok',
  sentAt: 1,
  answeredAt: 2,
  ...changes,
});

async function readAll(writes: readonly LedgerWrite[], options = {}): Promise<(LedgerReadBack | LedgerGap)[]> {
  const rows: (LedgerReadBack | LedgerGap)[] = [];
  for await (const row of readBack(odoo, writes, { pass: 1, clock, ...options })) rows.push(row);
  return rows;
}

describe('readBack', () => {
  it('counts the records under each key: present, lost, duplicated, unknown that happened', async () => {
    odoo.insert('sale.order', { client_order_ref: 'present', state: 'sale' });
    odoo.insert('sale.order', { client_order_ref: 'twice', state: 'draft' });
    odoo.insert('sale.order', { client_order_ref: 'twice', state: 'sale' });
    odoo.insert('sale.order', { client_order_ref: 'happened', state: 'draft' });
    odoo.insert('sale.order', { client_order_ref: 'somebody else', state: 'draft' });
    const rows = await readAll([write('present'), write('lost'), write('twice'), write('happened', { outcome: 'unknown' })]);
    expect(rows.map((row) => (row.row === 'read-back' ? [row.key, row.count, row.states] : row))).toEqual([
      ['present', 1, ['sale']],
      ['lost', 0, []],
      ['twice', 2, ['draft', 'sale']],
      ['happened', 1, ['draft']],
    ]);
  });

  it('looks each model up by its own key, and a key with several effects once', async () => {
    odoo.insert('pos.order', { uuid: 'u1', state: 'paid' });
    odoo.insert('account.move', { ref: 'm1', state: 'posted' });
    const rows = await readAll([
      write('m1', { model: 'account.move' }),
      write('m1', { model: 'account.move', effect: 'post' }),
      write('u1', { model: 'pos.order' }),
    ]);
    expect(rows).toMatchObject([
      { key: 'u1', model: 'pos.order', count: 1, states: ['paid'] },
      { key: 'm1', model: 'account.move', count: 1, states: ['posted'] },
    ]);
  });

  it('tells an entry that was reversed from one that was not', async () => {
    const kept = odoo.insert('account.move', { ref: 'kept', state: 'posted' });
    const reversed = odoo.insert('account.move', { ref: 'gone', state: 'posted' });
    odoo.insert('account.move', { ref: 'Reversal of: gone', state: 'posted', reversed_entry_id: [reversed, 'gone'] });
    const rows = await readAll(['kept', 'gone'].map((key) => write(key, { model: 'account.move', effect: 'reverse' })));
    expect(rows).toMatchObject([
      { key: 'kept', count: 1, states: ['posted'] },
      { key: 'gone', count: 1, states: ['posted', 'reversed'] },
    ]);
    expect(kept).toBeLessThan(reversed);
  });

  it('asks in batches', async () => {
    const rows = await readAll(
      Array.from({ length: 450 }, (_, n) => write(`k${n}`)),
      { batchKeys: 200 },
    );
    expect(rows).toHaveLength(450);
    expect(odoo.count('sale.order.search_read')).toBe(3);
  });

  it('tries a batch again while the target recovers', async () => {
    odoo.insert('sale.order', { client_order_ref: 'k', state: 'sale' });
    let failures = 5;
    odoo.intercept = () => (failures-- > 0 ? refused : undefined);
    expect(await readAll([write('k')])).toMatchObject([{ row: 'read-back', count: 1 }]);
  });

  it('makes a gap of what cannot be read, and reads the others', async () => {
    odoo.insert('pos.order', { uuid: 'u', state: 'paid' });
    odoo.intercept = (call) => (call.model === 'sale.order' ? refused : undefined);
    const startedMs = clock.monotonic();
    const rows = await readAll([write('a'), write('b'), write('u', { model: 'pos.order' })]);
    expect(rows).toMatchObject([
      {
        row: 'gap',
        what: 'read-back 1 of sale.order',
        detail: expect.stringMatching(/^2 keys, a to b: .*connection to erp refused/),
      },
      { row: 'read-back', key: 'u', count: 1 },
    ]);
    expect(clock.monotonic() - startedMs).toBeLessThanOrEqual(30_000);
  });

  it('gives a target that hangs up once, and not once a batch', async () => {
    odoo.intercept = () => clock.sleep(20_000).then(() => timedOut);
    const writes = Array.from({ length: 1000 }, (_, n) => write(`k${n}`));
    const rows = await readAll(writes, { batchKeys: 10 });
    expect(rows).toHaveLength(100);
    expect(rows.at(-1)).toMatchObject({
      row: 'gap',
      detail: expect.stringContaining('not asked: the target gave no right answer for 30 s'),
    });
    expect(odoo.calls).toHaveLength(2);
  });

  it('does not ask again what asking does not mend', async () => {
    odoo.intercept = () => fault("ValueError: Invalid field 'uuid' on model 'pos.order'", 1);
    expect(await readAll([write('u', { model: 'pos.order' })])).toMatchObject([{ row: 'gap' }]);
    expect(odoo.calls).toHaveLength(1);
  });

  it('gives nothing for no writes', async () => {
    expect(await readAll([])).toEqual([]);
    expect(odoo.calls).toEqual([]);
  });
});

describe('awaitQuiet', () => {
  const quiet = (timeoutMs: number): Promise<boolean> => awaitQuiet(odoo, { runId: 'r1', timeoutMs, clock });

  it('waits until late commits have stopped', async () => {
    let left = 4;
    odoo.intercept = (call) => {
      if (call.model === 'sale.order' && left-- > 0) odoo.insert('sale.order', { client_order_ref: 'PP-r1-1', state: 'draft' });
      return undefined;
    };
    expect(await quiet(60_000)).toBe(true);
    expect(clock.monotonic()).toBe(6_000);
  });

  it('gives up at its deadline, and takes no failed look for quiet', async () => {
    odoo.intercept = () => refused;
    expect(await quiet(10_000)).toBe(false);
    expect(clock.monotonic()).toBeLessThanOrEqual(10_000);
  });

  it('looks at the orders of this run only', async () => {
    let n = 0;
    odoo.intercept = (call) => {
      if (call.model === 'sale.order') odoo.insert('sale.order', { client_order_ref: `PP-r2-${n++}`, state: 'draft' });
      return undefined;
    };
    expect(await quiet(20_000)).toBe(true);
  });
});
