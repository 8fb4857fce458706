import type { ModelSpec } from '../orm/fields.ts';
import { userError } from '../rpc/faults.ts';
import { companyFields } from './base.ts';

export const company: ModelSpec = {
  name: 'res.company',
  label: 'Companies',
  table: 'res_company',
  order: 'id',
  display: (alias) => `${alias}.name`,
  fields: companyFields,
  write: async (env, ids, vals, base) => {
    if ('hard_lock_date' in vals) {
      const rows = await env.tx.query(
        'SELECT hard_lock_date::text AS locked FROM res_company WHERE id = ANY($1::int[]) AND hard_lock_date IS NOT NULL',
        [[...ids]],
      );
      const asked = typeof vals.hard_lock_date === 'string' ? vals.hard_lock_date : '';
      if (rows.some((row) => asked === '' || asked < String(row.locked)))
        throw userError('The Hard Lock Date cannot be removed.');
    }
    await base(ids, vals);
  },
};
