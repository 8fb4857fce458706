/**
 * One worker of the lab's ERP: one process, one request at a time. `node lab/erp/worker.ts`; settings: config.ts.
 * Prints `{"event":"listening","port":N}`; ends on SIGTERM after the request in hand, and when its parent is gone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PasswordCheck } from './cache/passwords.ts';
import { createPriceBook } from './cache/prices.ts';
import { noCache, RedisCache } from './cache/redis.ts';
import { readConfig } from './config.ts';
import { Connection } from './db/connection.ts';
import { Database, ODOO_RETRIES } from './db/database.ts';
import { exitWithParent } from './exit-with-parent.ts';
import { Health } from './http/health.ts';
import { RequestQueue } from './http/queue.ts';
import { createRoutes } from './http/routes.ts';
import { startServer } from './http/server.ts';
import { models } from './models/index.ts';
import { Services } from './rpc/services.ts';
import { createServiceTimes } from './service-times.ts';
import { createUserLookup } from './users.ts';
import { createWork } from './work.ts';

/** How many requests may wait behind the one in service (docs/reference/odoo-behaviour.md section 6: listen backlog). */
const BACKLOG = 32;
const PRICE_MS = 4;
const startedAt = performance.now();
const monotonic = (): number => performance.now();

const config = readConfig(process.env);
const target = { url: config.postgresUrl, password: config.postgresPassword, applicationName: 'erp-worker' };
const database = new Database(target, { ...ODOO_RETRIES, factor: config.retryFactor });
const healthConnection = new Connection({ ...target, applicationName: 'erp-health' });
const cache = config.redisUrl === null ? noCache : new RedisCache(config.redisUrl);
const passwords = new PasswordCheck(cache, createUserLookup(database), { memoryMs: config.passwordMemoryMs, now: monotonic });
const services = new Services({
  databaseName: config.database,
  database,
  models,
  prices: createPriceBook(cache, { computeMs: PRICE_MS * config.serviceFactor, sleep: (ms) => sleep(ms) }),
  passwords,
  serviceTimes: createServiceTimes(config),
  sleep: createWork(config.cpuShare),
  now: () => Date.now(),
});
const queue = new RequestQueue(BACKLOG, monotonic);
const routes = createRoutes({
  services,
  databaseName: config.database,
  sessions: cache,
  health: new Health(healthConnection, monotonic),
  queue,
  uptimeSeconds: () => (monotonic() - startedAt) / 1_000,
  counters: () => ({ retriedTransactions: database.retried, redisErrors: cache.errors, passwordChecks: passwords.computed }),
});
const [server] = await Promise.all([startServer(routes, queue, config), cache.ready()]);

async function stop(): Promise<void> {
  await server.close();
  cache.close();
  process.exit(0);
}

process.on('SIGTERM', () => void stop());
process.on('SIGINT', () => void stop());
exitWithParent();
process.stdout.write(`${JSON.stringify({ event: 'listening', port: server.port })}\n`);
