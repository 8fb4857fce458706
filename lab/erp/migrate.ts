/** Creates schema and base data; can be repeated. `node lab/erp/migrate.ts`, ERP_ADMIN_PASSWORD sets the password of `admin`. */

import { seedBaseData } from './base-data.ts';
import { hashPassword } from './cache/passwords.ts';
import { createPriceBook } from './cache/prices.ts';
import { noCache } from './cache/redis.ts';
import { readConfig } from './config.ts';
import { Database } from './db/database.ts';
import { models } from './models/index.ts';
import { clockStrings, type Env } from './orm/env.ts';
import { foreignKeyStatements, indexStatements, linkStatements, tableStatements } from './orm/schema.ts';

const SEQUENCES = [
  'sale_order_name_seq',
  'stock_picking_name_seq',
  'account_move_name_seq',
  'pos_order_name_seq',
  'pos_session_name_seq',
];

const config = readConfig(process.env);
const password = process.env.ERP_ADMIN_PASSWORD;
if (!password) throw new Error('ERP_ADMIN_PASSWORD is not set: migrate needs it for the user admin');
const database = new Database({ url: config.postgresUrl, password: config.postgresPassword, applicationName: 'erp-migrate' });
try {
  await database.run(async (tx) => {
    const existing = await tx.query("SELECT conname FROM pg_constraint WHERE contype = 'f'");
    const statements = [
      ...tableStatements(models),
      ...linkStatements(models),
      ...SEQUENCES.map((name) => `CREATE SEQUENCE IF NOT EXISTS ${name}`),
      'CREATE TABLE IF NOT EXISTS lab_user_password (user_id integer PRIMARY KEY, hash text NOT NULL)',
      ...foreignKeyStatements(models, new Set(existing.map((row) => String(row.conname)))),
      ...indexStatements(models),
    ];
    // One round trip: as separate statements this is most of the start-up time of a lab.
    await tx.execute(statements.join(';\n'));
  });
  const hash = await hashPassword(password, config.passwordRounds);
  await database.run(async (tx) => {
    const env: Env = {
      tx,
      uid: 1,
      companyId: 1,
      context: {},
      models,
      prices: createPriceBook(noCache, { computeMs: 0, sleep: async () => undefined }),
      ...clockStrings(Date.now()),
    };
    await seedBaseData(env, hash);
  });
} finally {
  await database.close();
}
process.stdout.write(`${JSON.stringify({ event: 'migrated', models: models.names.length })}\n`);
