/** Settings of the lab's ERP, all from the environment. */
export interface ErpConfig {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Without password; that comes in PGPASSWORD. */
  readonly postgresUrl: string;
  readonly postgresPassword: string | undefined;
  /** Null: no Redis at all (also by sabotage `redis-not-on-path`). */
  readonly redisUrl: string | null;
  /** Name that RPC clients give. */
  readonly database: string;
  readonly sabotage: Sabotage;
  readonly sabotageLog: string | null;
  /** `model.method` -> milliseconds, over the built-in table. */
  readonly serviceTimes: Readonly<Record<string, number>>;
  /** Scales every simulated service time. */
  readonly serviceFactor: number;
  /** Share 0-1 of the service time that keeps a processor busy, as Python would; the rest is waited. */
  readonly cpuShare: number;
  /** Scales the sleeps between server-side retries; 1 as in Odoo. */
  readonly retryFactor: number;
  readonly passwordRounds: number;
  /** How long a checked password is trusted without asking Redis, ms. */
  readonly passwordMemoryMs: number;
}

export interface Sabotage {
  readonly loseAcknowledgedWrites: number;
  readonly duplicateOrders: number;
  readonly duplicateInvoices: number;
  readonly unbalancedEntries: number;
  readonly slowBaseline: boolean;
  readonly redisNotOnPath: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

function required(env: Environment, name: string): string {
  const value = env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set: the ERP needs it to start`);
  return value;
}

function json(env: Environment, name: string): Readonly<Record<string, unknown>> {
  const text = env[name];
  if (text === undefined || text === '') return {};
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new Error(`${name} must be a JSON object, got ${text}`);
  return parsed as Readonly<Record<string, unknown>>;
}

/** A JSON object of the switches, or `name=3,other-name`. */
function switchesOf(env: Environment): Readonly<Record<string, unknown>> {
  const text = (env.ERP_SABOTAGE ?? '').trim();
  if (text === '' || text.startsWith('{')) return json(env, 'ERP_SABOTAGE');
  return Object.fromEntries(
    text.split(',').map((part): [string, unknown] => {
      const [name = '', value] = part.split('=');
      return [name.trim(), value === undefined || value === 'true' ? true : Number(value)];
    }),
  );
}

function number(env: Environment, name: string, fallback: number): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name} must be a number of 0 or more, got ${text}`);
  return value;
}

export function readConfig(env: Environment): ErpConfig {
  const switches = switchesOf(env);
  const count = (name: string): number => (typeof switches[name] === 'number' ? switches[name] : 0);
  const sabotage: Sabotage = {
    loseAcknowledgedWrites: count('lose-acknowledged-writes'),
    duplicateOrders: count('duplicate-orders'),
    duplicateInvoices: count('duplicate-invoices'),
    unbalancedEntries: count('unbalanced-entries'),
    slowBaseline: switches['slow-baseline'] === true,
    redisNotOnPath: switches['redis-not-on-path'] === true,
  };
  const times = json(env, 'ERP_SERVICE_TIMES');
  return {
    host: env.ERP_HOST || '127.0.0.1',
    port: number(env, 'ERP_PORT', 0),
    postgresUrl: required(env, 'ERP_POSTGRES_URL'),
    postgresPassword: env.PGPASSWORD,
    redisUrl: sabotage.redisNotOnPath ? null : env.ERP_REDIS_URL || null,
    database: env.ERP_DATABASE || 'erp',
    sabotage,
    sabotageLog: env.ERP_SABOTAGE_LOG || null,
    serviceTimes: Object.fromEntries(
      Object.entries(times).flatMap(([name, value]) => (typeof value === 'number' ? [[name, value]] : [])),
    ),
    serviceFactor: number(env, 'ERP_SERVICE_FACTOR', 1) * (sabotage.slowBaseline ? SLOW_BASELINE_FACTOR : 1),
    cpuShare: Math.min(1, number(env, 'ERP_CPU_SHARE', 0)),
    retryFactor: number(env, 'ERP_RETRY_FACTOR', 1),
    passwordRounds: number(env, 'ERP_PASSWORD_ROUNDS', 100_000),
    passwordMemoryMs: number(env, 'ERP_PASSWORD_MEMORY_MS', 2_000),
  };
}

const SLOW_BASELINE_FACTOR = 8;
