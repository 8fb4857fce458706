/** The services behind /xmlrpc/2/* and /jsonrpc: `common` and `object`. */
import type { PasswordCheck } from '../cache/passwords.ts';
import type { Database } from '../db/database.ts';
import { clockStrings, type Env, type PriceBook, type Registry } from '../orm/env.ts';
import { callMethod } from '../orm/methods.ts';
import { isDict, type Value } from '../orm/value.ts';
import type { ServiceTimes } from '../service-times.ts';
import { accessDenied, crash, keyError, OdooError, typeError, userError } from './faults.ts';

export interface ServiceParts {
  readonly databaseName: string;
  readonly database: Database;
  readonly models: Registry;
  readonly prices: PriceBook;
  readonly passwords: PasswordCheck;
  readonly serviceTimes: ServiceTimes;
  readonly sleep: (ms: number) => Promise<unknown>;
  readonly now: () => number;
}

export const VERSION: Value = {
  server_version: '18.0',
  server_version_info: [18, 0, 0, 'final', 0, ''],
  server_serie: '18.0',
  protocol_version: 1,
};

export class Services {
  readonly #parts: ServiceParts;

  constructor(parts: ServiceParts) {
    this.#parts = parts;
  }

  async call(service: string, method: string, params: readonly Value[]): Promise<Value | undefined> {
    if (service === 'common') return await this.#common(method, params);
    if (service === 'object') return await this.#object(method, params);
    if (service === 'db') return this.#db(method);
    throw keyError(service);
  }

  async #common(method: string, params: readonly Value[]): Promise<Value> {
    if (method === 'version') return VERSION;
    if (method !== 'authenticate' && method !== 'login') throw crash('Exception', `Method not found: ${method}`);
    const [db, login, password] = params;
    if (params.length < 3) throw typeError(`exp_${method}() missing required positional arguments`);
    this.#checkDatabase(db ?? null);
    await this.#parts.sleep(this.#parts.serviceTimes('common', 'authenticate', []));
    return (await this.#parts.passwords.login(String(login), String(password))) ?? false;
  }

  #db(method: string): Value {
    if (method === 'list') return [this.#parts.databaseName];
    if (method === 'server_version') return '18.0';
    throw new OdooError('odoo.exceptions.AccessDenied', 3, 'Access Denied');
  }

  #checkDatabase(db: Value): void {
    if (db !== this.#parts.databaseName)
      throw crash(
        'psycopg2.OperationalError',
        `connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: FATAL:  database "${String(db)}" does not exist`,
      );
  }

  async #object(method: string, params: readonly Value[]): Promise<Value | undefined> {
    if (method !== 'execute_kw' && method !== 'execute') throw crash('NameError', `Method not available ${method}`);
    const [db, uid, password, modelName, methodName, ...given] = params;
    if (params.length < 5) throw typeError(`${method}() missing required positional arguments`);
    this.#checkDatabase(db ?? null);
    if (typeof uid !== 'number') throw accessDenied();
    await this.#parts.passwords.check(uid, String(password));
    const [args, kw] = method === 'execute_kw' ? [given[0] ?? [], given[1] ?? {}] : [given, {}];
    if (!Array.isArray(args)) throw typeError('execute_kw() argument after * must be an iterable');
    return await this.execute(uid, String(modelName), String(methodName), args as readonly Value[], isDict(kw) ? kw : {});
  }

  /** One model method in one transaction, repeated on conflicts, with its service time paid in every try. */
  async execute(
    uid: number,
    modelName: string,
    method: string,
    args: readonly Value[],
    kw: Readonly<Record<string, Value>>,
  ): Promise<Value | undefined> {
    const model = this.#parts.models.get(modelName);
    if (!model) throw userError(`Object ${modelName} doesn't exist`);
    const { database, serviceTimes, sleep, now, models, prices } = this.#parts;
    return await database.run(
      (tx) => {
        const env: Env = { tx, uid, companyId: 1, context: { uid }, models, prices, ...clockStrings(now()) };
        return callMethod(env, model, method, args, kw);
      },
      async () => {
        await sleep(serviceTimes(modelName, method, args));
      },
    );
  }
}
