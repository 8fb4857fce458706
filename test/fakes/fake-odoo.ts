import type { OdooAnswer, OdooPort, OdooValue } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';
import { fakeMethods } from './fake-odoo-methods.ts';
import { fault, list, ok, type Reply, type Row } from './odoo-replies.ts';

export { fault, list, noneFault, ok, type Reply, type Row, refused, timedOut } from './odoo-replies.ts';

export interface FakeCall {
  readonly model: string;
  readonly method: string;
  readonly args: readonly OdooValue[];
  readonly kwargs: Readonly<Record<string, OdooValue>>;
}

/** An Odoo in memory: generic methods on tables of rows, and the flows of odoo-behaviour.md 3 that the harness uses. */
export class FakeOdoo implements OdooPort {
  readonly url = 'http://fake:8069';
  readonly database = 'erp';
  readonly tables = new Map<string, Map<number, Row>>();
  readonly calls: FakeCall[] = [];
  serverVersion = '18.0';
  time = 0;
  /** Answers instead of the fake when it gives something. Runs before a call; throw nothing here. */
  intercept: (call: FakeCall) => Reply | Promise<Reply> | undefined = () => undefined;
  /** Sees, and may replace, what the fake answered. */
  after: (call: FakeCall, reply: Reply) => Reply = (_call, reply) => reply;
  #lastId = 0;

  constructor() {
    this.insert('res.users', { id: 2, company_id: [1, 'Company'] });
    for (const [code, type] of [
      ['INV', 'sale'],
      ['MISC', 'general'],
      ['BNK1', 'bank'],
    ] as const)
      this.insert('account.journal', { code, type, company_id: 1 });
    for (const account_type of ['asset_receivable', 'income', 'expense', 'liability_payable'])
      this.insert('account.account', { account_type, company_ids: [1] });
    this.insert('stock.warehouse', { name: 'WH', company_id: 1, lot_stock_id: [8, 'WH/Stock'], pos_type_id: [3, 'WH: PoS'] });
    for (const model of [
      'product.category',
      'product.product',
      'product.template',
      'product.attribute',
      'product.attribute.value',
      'product.template.attribute.value',
      'res.partner',
      'product.pricelist',
      'product.pricelist.item',
      'stock.quant',
      'stock.move',
      'stock.picking',
      'pos.config',
      'pos.payment.method',
      'pos.session',
      'pos.order',
      'pos.payment',
      'sale.order',
      'account.move',
      'account.move.line',
    ])
      this.table(model);
  }

  table(model: string): Map<number, Row> {
    let table = this.tables.get(model);
    if (table === undefined) {
      table = new Map();
      this.tables.set(model, table);
    }
    return table;
  }

  insert(model: string, values: Readonly<Row>): number {
    const id = typeof values.id === 'number' ? values.id : ++this.#lastId + 100;
    this.table(model).set(id, { ...values, id });
    return id;
  }

  rows(model: string): Row[] {
    return [...this.table(model).values()];
  }

  count(method: string): number {
    return this.calls.filter((call) => `${call.model}.${call.method}` === method).length;
  }

  async version(): Promise<string> {
    return this.serverVersion;
  }

  async login(): Promise<number> {
    return 2;
  }

  async call(
    model: string,
    method: string,
    args: readonly OdooValue[],
    kwargs: Readonly<Record<string, OdooValue>> = {},
  ): Promise<OdooAnswer> {
    const call = { model, method, args, kwargs };
    this.calls.push(call);
    const sentAt = this.time;
    const reply = (await this.intercept(call)) ?? this.after(call, this.#answer(call));
    return { latencyMs: this.time - sentAt, sentAt, answeredAt: this.time, ...reply };
  }

  async require(
    model: string,
    method: string,
    args: readonly OdooValue[],
    kwargs: Readonly<Record<string, OdooValue>> = {},
  ): Promise<OdooValue> {
    const answer = await this.call(model, method, args, kwargs);
    if (answer.outcome === 'ok') return answer.value ?? null;
    const code = answer.message?.endsWith("doesn't exist")
      ? 'ERR_MODEL_MISSING'
      : answer.faultCode === undefined
        ? 'ERR_TARGET_UNREACHABLE'
        : 'ERR_ODOO_FAULT';
    throw new HarnessError(code, `${model}.${method}: ${answer.message ?? ''}`);
  }

  /** A field, or a field of the product behind `product_id`. */
  readonly #read = (row: Row, path: string): OdooValue => {
    const [field = '', inner] = path.split('.');
    const value = row[field] ?? false;
    return inner === undefined ? value : (this.table('product.product').get(Number(value))?.[inner] ?? false);
  };

  #answer(call: FakeCall): Reply {
    const { model, method, args, kwargs } = call;
    if (!this.tables.has(model)) return fault(`Object ${model} doesn't exist`);
    const own = fakeMethods[`${model}.${method}`];
    if (own !== undefined) return own(this, args, kwargs);
    const matching = (domain: OdooValue | undefined): Row[] =>
      this.rows(model)
        .filter((row) => matches(row, list(domain), this.#read))
        .sort((a, b) => Number(a.id) - Number(b.id));
    switch (method) {
      case 'search':
        return ok(matching(args[0]).map((row) => row.id ?? 0));
      case 'search_count':
        return ok(matching(args[0]).length);
      case 'search_read':
        return ok(
          matching(args[0])
            .slice(0, Number(kwargs.limit ?? 1e9))
            .map((row) => picked(row, kwargs.fields)),
        );
      case 'read':
        return ok(
          list(args[0]).flatMap((id) => {
            const row = this.table(model).get(Number(id));
            return row === undefined ? [] : [picked(row, args[1] ?? kwargs.fields)];
          }),
        );
      case 'read_group':
        return ok(grouped(matching(args[0]), list(args[1]).map(String), list(args[2]).map(String)));
      case 'fields_get':
        return ok(Object.fromEntries(list(args[0]).map((name) => [String(name), { type: 'char' }])));
      case 'create': {
        const many = Array.isArray(args[0]);
        const ids = (many ? list(args[0]) : [args[0] ?? {}]).map((values) => this.insert(model, values as Row));
        return ok(many ? ids : (ids[0] ?? 0));
      }
      case 'write': {
        for (const id of list(args[0])) Object.assign(this.table(model).get(Number(id)) ?? {}, args[1]);
        return ok(true);
      }
      default:
        return fault(`AttributeError: The method '${model}.${method}' does not exist`, 1);
    }
  }
}

function picked(row: Row, fields: OdooValue | undefined): Row {
  if (fields === undefined) return row;
  return Object.fromEntries([['id', row.id ?? 0], ...list(fields).map((name) => [String(name), row[String(name)] ?? false])]);
}

/** Plain conjunctions, with a leading `!` for the next term. */
function matches(row: Row, domain: readonly OdooValue[], read: (row: Row, path: string) => OdooValue): boolean {
  let negated = false;
  for (const term of domain) {
    if (term === '!') negated = true;
    else {
      const [path, operator, wanted] = list(term);
      if (holds(read(row, String(path)), operator, wanted) === negated) return false;
      negated = false;
    }
  }
  return true;
}

function holds(raw: OdooValue, operator: OdooValue | undefined, wanted: OdooValue | undefined): boolean {
  const value = Array.isArray(raw) && typeof raw[1] === 'string' ? (raw[0] ?? false) : raw;
  switch (operator) {
    case '=':
      return value === wanted;
    case '!=':
      return value !== wanted;
    case '>':
      return Number(value) > Number(wanted);
    case '>=':
      return String(value) >= String(wanted);
    case '<=':
      return String(value) <= String(wanted);
    case 'in':
      return list(wanted).some((item) => (Array.isArray(value) ? value.includes(item) : value === item));
    case 'like':
      return String(value).includes(String(wanted));
    case '=like':
      return String(value).startsWith(String(wanted).replace(/%$/, ''));
    default:
      throw new Error(`the fake knows no operator ${String(operator)}`);
  }
}

function grouped(rows: readonly Row[], specs: readonly string[], groupBy: readonly string[]): Row[] {
  const groups = new Map<string, Row>();
  for (const row of rows) {
    const keys = groupBy.map((field) => row[field] ?? false);
    const named = groupBy.map((field, n) => [
      field,
      typeof keys[n] === 'number' ? [keys[n] ?? 0, `#${keys[n]}`] : (keys[n] ?? false),
    ]);
    const group: Row = groups.get(JSON.stringify(keys)) ?? { ...Object.fromEntries(named), __count: 0 };
    group.__count = Number(group.__count) + 1;
    for (const spec of specs) {
      const [field = ''] = spec.split(':');
      group[field] = Number(group[field] ?? 0) + Number(row[field] ?? 0);
    }
    groups.set(JSON.stringify(keys), group);
  }
  return [...groups.values()];
}
