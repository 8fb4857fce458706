/** The ir.cron worker: runs scheduled actions that are due, and the sabotage that is done behind the back. `node lab/erp/cron.ts` */
import { setTimeout as sleep } from 'node:timers/promises';
import { createPriceBook } from './cache/prices.ts';
import { noCache } from './cache/redis.ts';
import { readConfig } from './config.ts';
import { Database, ODOO_RETRIES } from './db/database.ts';
import { num } from './db/transaction.ts';
import { exitWithParent } from './exit-with-parent.ts';
import { runCron } from './flows/cron-jobs.ts';
import { models } from './models/index.ts';
import { clockStrings } from './orm/env.ts';
import { openSabotageLog } from './sabotage/log.ts';
import { type InTransaction, Saboteur } from './sabotage/saboteur.ts';

const TICK_MS = 1_000;

const config = readConfig(process.env);
const database = new Database(
  { url: config.postgresUrl, password: config.postgresPassword, applicationName: 'erp-cron' },
  { ...ODOO_RETRIES, factor: config.retryFactor },
);
const prices = createPriceBook(noCache, { computeMs: 0, sleep: async () => undefined });
const run: InTransaction = (work) =>
  database.run((tx) => work({ tx, uid: 1, companyId: 1, context: {}, models, prices, ...clockStrings(Date.now()) }));

let stopping = false;
let saboteur: Saboteur | null = null;

async function runDue(): Promise<void> {
  await run(async (env) => {
    const due = await env.tx.query('SELECT id FROM ir_cron WHERE active AND nextcall <= $1 ORDER BY priority, id LIMIT 1', [
      env.now,
    ]);
    for (const row of due) await runCron(env, num(row, 'id'));
  });
}

async function tick(): Promise<void> {
  saboteur ??= await Saboteur.start(config.sabotage, run, openSabotageLog(config.sabotageLog, Date.now), () => performance.now());
  await saboteur.tick();
  await runDue();
}

async function stop(): Promise<void> {
  stopping = true;
  await database.close();
  process.exit(0);
}

process.on('SIGTERM', () => void stop());
process.on('SIGINT', () => void stop());
exitWithParent();
process.stdout.write(`${JSON.stringify({ event: 'running' })}\n`);

while (!stopping) {
  try {
    await tick();
  } catch (error) {
    // The database may be failing over; the next tick finds the new primary.
    process.stderr.write(`cron: ${error instanceof Error ? error.message : String(error)}\n`);
  }
  await sleep(TICK_MS);
}
