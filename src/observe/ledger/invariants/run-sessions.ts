import { chunksOf, many2oneId, numberOf, readRows } from '../../../clients/odoo/records.ts';
import type { OdooPort } from '../../../clients/ports.ts';
import type { InvariantOptions } from './findings.ts';

const BATCH_KEYS = 200;

/** POS sessions that the run's tickets went to; without the run's writes, all sessions of the data set's tills. */
export async function sessionIdsOf(odoo: OdooPort, { catalogue, writes }: InvariantOptions): Promise<readonly number[]> {
  const sessions = new Set<number>();
  if (writes === undefined) {
    const configs = catalogue.tills.map(({ configId }) => configId);
    if (catalogue.probeTill !== null) configs.push(catalogue.probeTill.configId);
    for await (const row of readRows(odoo, 'pos.session', [['config_id', 'in', configs]], ['state']))
      sessions.add(numberOf(row.id));
    return [...sessions];
  }
  const keys = [...new Set(writes.flatMap(({ model, key }) => (model === 'pos.order' ? [key] : [])))];
  for (const batch of chunksOf(keys, BATCH_KEYS)) {
    for await (const row of readRows(odoo, 'pos.order', [['uuid', 'in', batch]], ['session_id'])) {
      const session = many2oneId(row.session_id);
      if (session !== null) sessions.add(session);
    }
  }
  return [...sessions].sort((one, other) => one - other);
}
