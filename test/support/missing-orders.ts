/** What SQL says about the orders of a run, without the harness's own reading of them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { LabConnection } from '../../src/model/connections.ts';
import type { LedgerRow, LedgerWrite } from '../../src/model/run-records.ts';

/** States in which an order still shows what was acknowledged. */
const FITS: Readonly<Record<string, readonly string[]>> = {
  create: ['draft', 'sent', 'sale', 'done', 'cancel'],
  confirm: ['sale', 'done', 'cancel'],
  cancel: ['cancel'],
};

/** Keys of acknowledged orders that the database does not show as they were acknowledged. */
export async function missingOrders(runDir: string, lab: LabConnection): Promise<ReadonlySet<string>> {
  const rows = (await readFile(join(runDir, 'ledger.ndjson'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as LedgerRow);
  const acknowledged = rows.filter(
    (row): row is LedgerWrite => row.row === 'write' && row.model === 'sale.order' && row.outcome === 'ok',
  );
  const url = new URL(lab.postgresUrl);
  url.username = lab.postgresUser;
  url.password = (await readFile(lab.postgresPasswordFile, 'utf8')).trim();
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    const { rows: stored } = await client.query<{ client_order_ref: string; state: string }>(
      'select client_order_ref, state from sale_order where client_order_ref is not null',
    );
    const states = new Map<string, string[]>();
    for (const { client_order_ref: key, state } of stored) states.set(key, [...(states.get(key) ?? []), state]);
    const lost = acknowledged.filter(
      ({ key, effect }) => !(states.get(key) ?? []).some((state) => FITS[effect]?.includes(state)),
    );
    return new Set(lost.map(({ key }) => key));
  } finally {
    await client.end();
  }
}
