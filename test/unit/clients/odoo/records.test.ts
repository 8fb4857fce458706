import { describe, expect, it } from 'vitest';
import { chunksOf, many2oneId, numberOf, type OdooRow, readRows, rowsOf, sumById } from '../../../../src/clients/odoo/records.ts';
import { FakeOdoo, ok } from '../../../fakes/fake-odoo.ts';

async function all(rows: AsyncIterable<OdooRow>): Promise<OdooRow[]> {
  const list: OdooRow[] = [];
  for await (const row of rows) list.push(row);
  return list;
}

describe('readRows', () => {
  it('gives all rows once although rows come and go between its pages', async () => {
    const odoo = new FakeOdoo();
    const ids = Array.from({ length: 25 }, (_, n) => odoo.insert('res.partner', { ref: `r${n}` }));
    const seen = await all(
      (async function* () {
        for await (const row of readRows(odoo, 'res.partner', [], ['ref'], { pageRows: 10 })) {
          yield row;
          if (row.id === ids[9]) odoo.table('res.partner').delete(ids[0] ?? 0);
        }
      })(),
    );
    expect(seen.map(({ id }) => id)).toEqual(ids);
    expect(odoo.count('res.partner.search_read')).toBe(3);
  });

  it('says what answered no list', async () => {
    const odoo = new FakeOdoo();
    odoo.intercept = () => ok('<html>');
    await expect(all(readRows(odoo, 'res.partner', [], ['ref']))).rejects.toMatchObject({ code: 'ERR_ODOO_FAULT' });
  });
});

describe('sumById', () => {
  it('sums by id, and takes false for nothing', async () => {
    const odoo = new FakeOdoo();
    odoo.intercept = () =>
      ok([
        { move_id: [3, 'A'], debit: 2.5, __count: 2 },
        { move_id: [4, 'B'], debit: false },
        { move_id: false, debit: 9 },
      ]);
    const sums = await sumById(odoo, 'account.move.line', [], { fields: ['debit'], groupBy: 'move_id' });
    expect([...sums]).toEqual([
      [3, { debit: 2.5 }],
      [4, { debit: 0 }],
    ]);
  });
});

it("reads Odoo's values", () => {
  expect([many2oneId([7, 'x']), many2oneId(7), many2oneId(false), many2oneId(undefined)]).toEqual([7, 7, null, null]);
  expect([numberOf(1.5), numberOf(false), numberOf(undefined)]).toEqual([1.5, 0, 0]);
  expect([...chunksOf([1, 2, 3], 2)]).toEqual([[1, 2], [3]]);
  expect(() => rowsOf([1], 'x')).toThrow('x answered no list of records');
});
