import { describe, expect, test } from 'vitest';
import type { Row, Transaction } from '../../../../lab/erp/db/transaction.ts';
import { models } from '../../../../lab/erp/models/index.ts';
import { dateBounds, dateLabel } from '../../../../lab/erp/orm/date-groups.ts';
import type { Env } from '../../../../lab/erp/orm/env.ts';
import { type GroupQuery, readGroup } from '../../../../lab/erp/orm/read-group.ts';
import { PyFloat } from '../../../../lab/erp/orm/value.ts';

function envAnswering(rows: readonly Row[], seen: string[] = []): Env {
  const tx: Transaction = {
    query: async (sql) => {
      seen.push(sql);
      return rows;
    },
    execute: async () => 0,
    executeAll: async () => [],
  };
  const prices = { prices: async () => [], forget: async () => undefined };
  return { tx, uid: 2, companyId: 1, context: {}, models, prices, now: '2026-11-22 10:00:00', today: '2026-11-22' };
}

const lines = models.require('account.move.line');
const query = (given: Partial<GroupQuery>): GroupQuery => ({
  domain: [],
  fields: [],
  groupby: [],
  lazy: false,
  page: {},
  ...given,
});

describe('read_group', () => {
  test('gives many2one groups with their name, sums as floats, and the domain of the group', async () => {
    const env = envAnswering([{ g0: 7, g0_name: '121000 Account Receivable', a0: 12.5, n: 3 }]);
    const posted = ['parent_state', '=', 'posted'];
    expect(
      await readGroup(env, lines, query({ domain: [posted], fields: ['balance:sum'], groupby: ['account_id'], lazy: true })),
    ).toEqual([
      {
        account_id: [7, '121000 Account Receivable'],
        balance: new PyFloat(12.5),
        account_id_count: 3,
        __domain: [['account_id', '=', 7], posted],
      },
    ]);
  });

  test('labels months and bounds them', async () => {
    const env = envAnswering([{ g0: '2026-11-01 00:00:00', a0: 1, n: 2 }]);
    const [group] = await readGroup(env, lines, query({ fields: ['debit:sum'], groupby: ['date:month'] }));
    expect(group).toMatchObject({
      'date:month': 'November 2026',
      __count: 2,
      __range: { 'date:month': { from: '2026-11-01', to: '2026-12-01' } },
    });
  });

  test('groups by the first field only when lazy', async () => {
    const seen: string[] = [];
    await readGroup(envAnswering([], seen), lines, query({ groupby: ['account_id', 'journal_id'], lazy: true }));
    expect(seen[0]).toContain('AS g0');
    expect(seen[0]).not.toContain('AS g1');
  });

  test('adds up numeric fields that are named without a function', async () => {
    const seen: string[] = [];
    await readGroup(
      envAnswering([], seen),
      lines,
      query({ fields: ['debit', 'name', 'total:sum(credit)'], groupby: ['account_id'] }),
    );
    expect(seen[0]).toContain('COALESCE(SUM(t."debit"), 0) AS a0');
    expect(seen[0]).toContain('COALESCE(SUM(t."credit"), 0) AS a1');
  });

  test('refuses unknown fields, functions and granularities', async () => {
    const env = envAnswering([]);
    await expect(readGroup(env, lines, query({ groupby: ['nofield'] }))).rejects.toThrow(
      "Invalid field 'nofield' on model 'account.move.line'",
    );
    await expect(readGroup(env, lines, query({ fields: ['debit:drop'], groupby: ['account_id'] }))).rejects.toThrow(
      'Invalid aggregation',
    );
    await expect(readGroup(env, lines, query({ groupby: ['date:century'] }))).rejects.toThrow('Invalid granularity');
  });

  test('knows the bounds and names of all steps', () => {
    expect(dateBounds('2026-12-01', 'month', false)).toEqual({ from: '2026-12-01', to: '2027-01-01' });
    expect(dateBounds('2026-10-01', 'quarter', true)).toEqual({ from: '2026-10-01 00:00:00', to: '2027-01-01 00:00:00' });
    expect([dateLabel('2026-10-01', 'quarter'), dateLabel('2026-01-01', 'year'), dateLabel('2026-11-22', 'day')]).toEqual([
      'Q4 2026',
      '2026',
      '22 Nov 2026',
    ]);
    expect(dateLabel('2027-01-04', 'week')).toBe('W1 2027');
    expect(dateLabel('2026-12-28', 'week')).toBe('W53 2026');
  });
});
