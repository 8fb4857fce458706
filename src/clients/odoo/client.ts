import { HarnessError } from '../../errors.ts';
import type { Clock, OdooAnswer, OdooPort, OdooValue } from '../ports.ts';
import { type PostResult, postOnce } from './http-post.ts';
import { decodeJsonRpcResponse, encodeJsonRpcCall } from './json-rpc.ts';
import { classifyFault, classifyStatus, isMissingDatabase, lastLine, missingModelIn } from './outcome.ts';
import { decodeMethodResponse, encodeMethodCall, type RpcReply } from './xml-rpc.ts';

export type OdooTransport = 'xmlrpc' | 'jsonrpc';

export interface OdooClientOptions {
  /** `http(s)://host:port`, without a path. */
  readonly url: string;
  readonly database: string;
  readonly login: string;
  readonly password: string;
  readonly transport?: OdooTransport;
  /** Of each call that names none. Default 40 s: Odoo's own retries may take 30 s inside one request (facts 7.3). */
  readonly timeoutMs?: number;
  readonly clock?: Pick<Clock, 'now' | 'monotonic'>;
}

interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const DEFAULT_TIMEOUT_MS = 40_000;
const REAL_TIME: Pick<Clock, 'now' | 'monotonic'> = { now: () => Date.now(), monotonic: () => performance.now() };

/** Opens nothing yet: the first `login` or `call` does. Throws ERR_USAGE when the URL is none. */
export function createOdooClient(options: OdooClientOptions): OdooPort {
  return new OdooClient(options);
}

class OdooClient implements OdooPort {
  readonly url: string;
  readonly database: string;
  readonly #login: string;
  readonly #password: string;
  readonly #transport: OdooTransport;
  readonly #timeoutMs: number;
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly #base: URL;
  #session: Promise<number> | null = null;

  constructor(options: OdooClientOptions) {
    this.#base = parseBase(options.url);
    this.url = this.#base.origin;
    this.database = options.database;
    this.#login = options.login;
    this.#password = options.password;
    this.#transport = options.transport ?? 'xmlrpc';
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#clock = options.clock ?? REAL_TIME;
  }

  async version(): Promise<string> {
    const answer = await this.#send('common', 'version', [], {});
    const { value } = answer;
    if (answer.outcome === 'ok' && typeof value === 'object' && value !== null && 'server_version' in value) {
      return String(value.server_version);
    }
    throw this.#unreachable(answer);
  }

  login(): Promise<number> {
    this.#session ??= this.#authenticate();
    return this.#session;
  }

  async call(
    model: string,
    method: string,
    args: readonly OdooValue[],
    kwargs: Readonly<Record<string, OdooValue>> = {},
    options: CallOptions = {},
  ): Promise<OdooAnswer> {
    const userId = await this.login();
    const params = [this.database, userId, this.#password, model, method, args, kwargs];
    return await this.#send('object', 'execute_kw', params, options);
  }

  async require(
    model: string,
    method: string,
    args: readonly OdooValue[],
    kwargs: Readonly<Record<string, OdooValue>> = {},
    options: CallOptions = {},
  ): Promise<OdooValue> {
    const answer = await this.call(model, method, args, kwargs, options);
    if (answer.outcome === 'ok') return answer.value ?? null;
    throw faultOf(`${model}.${method} on ${this.url}`, answer);
  }

  async #authenticate(): Promise<number> {
    try {
      await this.version();
      const answer = await this.#send('common', 'authenticate', [this.database, this.#login, this.#password, {}], {});
      if (answer.outcome === 'ok' && typeof answer.value === 'number') return answer.value;
      throw this.#loginRefused(answer);
    } catch (error) {
      // The next call tries again: the target may only have been down for a while.
      this.#session = null;
      throw error;
    }
  }

  #loginRefused(answer: OdooAnswer): HarnessError {
    const message = answer.message ?? '';
    if (isMissingDatabase(message)) {
      return new HarnessError('ERR_DATABASE_MISSING', `${this.url} has no database "${this.database}"`, {
        hint: 'correct target.database in the plan',
      });
    }
    if (answer.outcome === 'ok' || /access ?denied/i.test(message)) {
      return new HarnessError('ERR_AUTHENTICATION', `${this.url} refused login "${this.#login}" to database "${this.database}"`, {
        hint: 'check target.login, and the variable or file that target.password names',
      });
    }
    return this.#unreachable(answer);
  }

  #unreachable(answer: OdooAnswer): HarnessError {
    return new HarnessError(
      'ERR_TARGET_UNREACHABLE',
      `no Odoo answers at ${this.url}: ${answer.message ?? 'no server_version'}`,
      {
        hint: 'check target.url and that the server is up and reachable from here',
      },
    );
  }

  async #send(
    service: 'common' | 'object',
    method: string,
    params: readonly OdooValue[],
    options: CallOptions,
  ): Promise<OdooAnswer> {
    const json = this.#transport === 'jsonrpc';
    const url = new URL(json ? '/jsonrpc' : `/xmlrpc/2/${service}`, this.#base);
    const body = json ? encodeJsonRpcCall(service, method, params) : encodeMethodCall(method, params);
    const sentAt = this.#clock.now();
    const startedMs = this.#clock.monotonic();
    const result = await postOnce(
      url,
      { contentType: json ? 'application/json' : 'text/xml', body },
      {
        timeoutMs: options.timeoutMs ?? this.#timeoutMs,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      },
    );
    const timing = { sentAt, answeredAt: this.#clock.now(), latencyMs: this.#clock.monotonic() - startedMs };
    return { ...classify(result, json ? decodeJsonRpcResponse : decodeMethodResponse), ...timing };
  }
}

function classify(
  result: PostResult,
  decode: (body: string) => RpcReply,
): Pick<OdooAnswer, 'outcome' | 'value' | 'message' | 'faultCode'> {
  if (result.kind !== 'answer') return { outcome: result.kind === 'lost' ? 'unknown' : 'fail', message: result.message };
  if (result.status !== 200) {
    const where = result.location === null ? '' : `, which points to ${result.location}`;
    return { outcome: classifyStatus(result.status, result.body), message: `HTTP ${result.status}${where}` };
  }
  let reply: RpcReply;
  try {
    reply = decode(result.body);
  } catch (error) {
    return { outcome: 'unknown', message: `an answer that is no RPC: ${error instanceof Error ? error.message : String(error)}` };
  }
  if (reply.kind === 'value') return { outcome: 'ok', value: reply.value };
  return { outcome: classifyFault(reply.text), message: messageOf(reply.text), faultCode: reply.code };
}

/** The last line; of a "record missing" fault the whole, which has its subject on the second line. */
function messageOf(text: string): string {
  return missingModelIn(text) === null ? lastLine(text) : text.trim();
}

function faultOf(what: string, answer: OdooAnswer): HarnessError {
  const message = answer.message ?? 'no message';
  const model = missingModelIn(message);
  if (model !== null) {
    return new HarnessError('ERR_MODEL_MISSING', `${what}: the target has no model ${model}`, {
      hint: 'install the Odoo apps that it belongs to (sale_management, stock, account, point_of_sale)',
    });
  }
  if (answer.faultCode !== undefined) return new HarnessError('ERR_ODOO_FAULT', `${what}: ${message}`);
  if (message.startsWith('no answer within')) {
    return new HarnessError('ERR_TIMEOUT', `${what}: ${message}`, { hint: 'the server is overloaded or down; try again later' });
  }
  return new HarnessError('ERR_TARGET_UNREACHABLE', `${what}: ${message}`, { hint: 'check that the server is up' });
}

function parseBase(text: string): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new HarnessError('ERR_USAGE', `"${text}" is no http(s) URL of an Odoo`, { hint: 'write it as http://host:port' });
  }
  if (url.username !== '' || url.password !== '') {
    throw new HarnessError('ERR_USAGE', `the URL of ${url.host} must not carry a login or password`, {
      hint: 'name the password by target.password: {env: NAME}',
    });
  }
  return url;
}
