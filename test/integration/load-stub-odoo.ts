/**
 * The smallest Odoo that the scenarios accept, in memory and over real XML-RPC, with answers that can be made to go wrong. Not the
 * lab: it knows nothing but what is asked here, and keeps everything it was asked.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseXml, XmlElement } from '@rgrove/parse-xml';

type Value = null | boolean | number | string | Value[] | { [name: string]: Value };
type Row = { [name: string]: Value };

export interface StubCall {
  readonly model: string;
  readonly method: string;
  readonly args: Value[];
  readonly kwargs: Row;
}

/** `after-*`: the work is done first, as in Odoo. `never`: it is done, and the answer does not come. */
export type Mishap =
  | { readonly kind: 'never' }
  | { readonly kind: 'after-close' }
  | { readonly kind: 'fault'; readonly code: number; readonly text: string }
  | { readonly kind: 'after-fault'; readonly code: number; readonly text: string }
  | { readonly kind: 'status'; readonly status: number; readonly body: string };

export interface StubOdoo {
  readonly url: string;
  readonly calls: StubCall[];
  logins(): number;
  rows(model: string): readonly Row[];
  /** The next `times` calls of `model/method` go wrong like this. */
  mishap(name: string, mishap: Mishap, times: number): void;
  close(): Promise<void>;
}

const NONE = {
  kind: 'after-fault',
  code: 1,
  text: 'Traceback (most recent call last):\n  File "x.py", line 1, in dumps\nTypeError: cannot marshal None unless allow_none is enabled\n',
} as const;

/** Methods of stock Odoo 18 that return None (docs/reference/odoo-behaviour.md section 2). */
const RETURNS_NONE = ['set_opening_control', 'update_closing_control_state_session', 'reconcile', 'create_invoices'];

export async function startStubOdoo(): Promise<StubOdoo> {
  const tables = new Map<string, Row[]>();
  const mishaps = new Map<string, Mishap[]>();
  const calls: StubCall[] = [];
  let nextId = 1_000;
  let logins = 0;
  const table = (model: string): Row[] => {
    const rows = tables.get(model) ?? [];
    tables.set(model, rows);
    return rows;
  };
  const insert = (model: string, values: Row): number => {
    nextId += 1;
    table(model).push({ id: nextId, state: 'draft', ...values });
    return nextId;
  };
  const byId = (model: string, id: Value | undefined) => table(model).find((row) => row.id === id);
  const setState = (model: string, ids: Value | undefined, state: string): true => {
    for (const id of asList(ids)) Object.assign(byId(model, id) ?? {}, { state });
    return true;
  };

  const find = (model: string, domain: Value | undefined): Row[] => {
    if (model === 'product.product') {
      const ids = asList(asList(asList(domain)[0])[2]);
      return ids.map((id) => ({ id, display_name: `P${String(id)}`, default_code: 'x', list_price: 10.5, uom_id: [1, 'Units'] }));
    }
    if (model === 'product.pricelist.item') return [{ id: 1, compute_price: 'percentage', percent_price: 20 }];
    return table(model).filter((row) => asList(domain).every((term) => matches(row, asList(term))));
  };

  const run = ({ model, method, args, kwargs }: StubCall): Value => {
    const [first, second] = args;
    switch (method) {
      case 'create':
        if (Array.isArray(first)) return first.map((values) => createOne(model, values as Row));
        return createOne(model, first as Row);
      case 'search_read':
        return find(model, first).slice(0, Number(kwargs.limit ?? 1e9));
      case 'search_count':
        return find(model, first).length;
      case 'read':
        if (model === 'res.company') return [{ id: 1, fiscalyear_lock_date: table('lock').at(-1)?.date ?? false }];
        if (model === 'product.product') return asList(first).map((id) => ({ id, qty_available: 5, free_qty: 5 }));
        return table(model).filter((row) => asList(first).includes(row.id ?? 0));
      case 'write':
        if (model === 'res.company') table('lock').push({ date: (second as Row).fiscalyear_lock_date ?? false });
        return true;
      case 'read_group':
        return [
          { account_id: [1, 'a'], balance: 12.5 },
          { account_id: [2, 'b'], balance: -12.5 },
        ];
      case 'action_confirm':
        for (const id of asList(first)) Object.assign(byId(model, id) ?? {}, { invoice_status: 'to invoice' });
        return setState(model, first, 'sale');
      case 'action_cancel':
        if ((kwargs.context as Row | undefined)?.disable_cancel_warning !== true) return { type: 'ir.actions.act_window' };
        return setState(model, first, 'cancel');
      case 'action_post':
        setState(model, first, 'posted');
        return false;
      case 'action_assign':
        return true;
      case 'open_ui':
        insert('pos.session', {
          config_id: asList(first)[0] ?? 0,
          state: 'opening_control',
          rescue: false,
          cash_control: true,
          cash_register_balance_end: 7,
        });
        return { type: 'ir.actions.act_url' };
      case 'set_opening_control':
        return setState(model, first, 'opened');
      case 'update_closing_control_state_session':
        return setState(model, first, 'closing_control');
      case 'post_closing_cash_details':
        return { successful: true };
      case 'close_session_from_ui':
        setState(model, first, 'closed');
        return { successful: true };
      case 'sync_from_ui':
        return { 'pos.order': asList(first).map((order) => syncOne(order as Row)) };
      case 'reconcile':
        for (const id of asList(first)) Object.assign(byId(model, id) ?? {}, { reconciled: true });
        return true;
      case 'create_invoices':
        return asList(first).map((id) => invoiceAll(byId(model, id)));
      case 'refund_moves':
        return { type: 'ir.actions.act_window' };
      default:
        throw new Error(`the stub has no ${model}.${method}`);
    }
  };

  const createOne = (model: string, values: Row): number => {
    const id = insert(model, {
      ...values,
      ...(model === 'sale.order'
        ? { picking_ids: [nextId + 500_000], amount_total: 1, partner_invoice_id: [values.partner_id ?? 0, 'x'] }
        : {}),
    });
    if (model === 'account.move') {
      for (const command of asList(values.line_ids)) {
        insert('account.move.line', { ...(asList(command)[2] as Row), move_id: id, reconciled: false });
      }
    }
    return id;
  };
  /** Whatever was invoiced before: Odoo would refuse, and so hide a client that asks twice. */
  const invoiceAll = (wizard: Row | undefined): true => {
    for (const command of asList(wizard?.sale_order_ids)) {
      for (const id of asList(asList(command)[2])) {
        const order = byId('sale.order', id);
        insert('account.move', { move_type: 'out_invoice', ref: order?.client_order_ref ?? '' });
        Object.assign(order ?? {}, { invoice_status: 'invoiced' });
      }
    }
    return true;
  };
  const syncOne = (order: Row): Value => {
    const known = table('pos.order').find((row) => row.uuid === order.uuid);
    return { id: known?.id ?? insert('pos.order', order), uuid: order.uuid ?? '' };
  };

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const params = decodeCall(Buffer.concat(chunks).toString('utf8'));
    response.setHeader('Connection', 'close');
    response.setHeader('Content-Type', 'text/xml; charset=utf-8');
    if (request.url === '/xmlrpc/2/common') {
      logins += 1;
      response.end(answerXml(params[2] === 'right' ? 2 : false));
      return;
    }
    const [, , password, model, method, args, kwargs] = params;
    if (password !== 'right') {
      response.end(faultXml(3, 'Access Denied'));
      return;
    }
    const call: StubCall = { model: String(model), method: String(method), args: asList(args), kwargs: (kwargs ?? {}) as Row };
    calls.push(call);
    const mishap =
      mishaps.get(`${call.model}/${call.method}`)?.shift() ?? (RETURNS_NONE.includes(call.method) ? NONE : undefined);
    if (mishap?.kind === 'fault') response.end(faultXml(mishap.code, mishap.text));
    else if (mishap?.kind === 'status') response.writeHead(mishap.status).end(mishap.body);
    else {
      const value = run(call);
      if (mishap?.kind === 'never') return;
      if (mishap?.kind === 'after-close') response.destroy();
      else response.end(mishap?.kind === 'after-fault' ? faultXml(mishap.code, mishap.text) : answerXml(value));
    }
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    logins: () => logins,
    rows: (model) => table(model),
    mishap(name, mishap, times) {
      mishaps.set(name, [...(mishaps.get(name) ?? []), ...Array.from({ length: times }, () => mishap)]);
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())));
    },
  };
}

const asList = (value: Value | undefined): Value[] => (Array.isArray(value) ? value : []);

function matches(row: Row, [field, operator, wanted]: Value[]): boolean {
  const value = row[String(field)] ?? false;
  if (operator === 'in') return asList(wanted).includes(value);
  return operator === '!=' ? value !== wanted : value === wanted;
}

function decodeCall(xml: string): Value[] {
  const params = child(parseXml(xml).root, 'params');
  return elements(params).map((param) => decode(child(param, 'value')));
}

const elements = (parent: XmlElement): XmlElement[] => parent.children.filter((node) => node instanceof XmlElement);

function child(parent: XmlElement | null, name: string): XmlElement {
  const found = parent === null ? undefined : elements(parent).find((element) => element.name === name);
  if (found === undefined) throw new Error(`no <${name}>`);
  return found;
}

function decode(value: XmlElement): Value {
  const typed = elements(value)[0];
  if (typed === undefined) return value.text;
  if (typed.name === 'array') return elements(child(typed, 'data')).map(decode);
  if (typed.name === 'struct')
    return Object.fromEntries(elements(typed).map((member) => [child(member, 'name').text, decode(child(member, 'value'))]));
  if (typed.name === 'boolean') return typed.text === '1';
  return typed.name === 'int' || typed.name === 'double' ? Number(typed.text) : typed.text;
}

const escapeXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function encode(value: Value): string {
  if (value === null) throw new Error('Odoo cannot say None');
  if (typeof value === 'boolean') return `<value><boolean>${value ? 1 : 0}</boolean></value>`;
  if (typeof value === 'number')
    return Number.isInteger(value) ? `<value><int>${value}</int></value>` : `<value><double>${value}</double></value>`;
  if (typeof value === 'string') return `<value><string>${escapeXml(value)}</string></value>`;
  if (Array.isArray(value)) return `<value><array><data>\n${value.map(encode).join('\n')}\n</data></array></value>`;
  const members = Object.entries(value).map(([name, item]) => `<member>\n<name>${name}</name>\n${encode(item)}\n</member>`);
  return `<value><struct>\n${members.join('\n')}\n</struct></value>`;
}

export const answerXml = (value: Value): string =>
  `<?xml version="1.0"?>\n<methodResponse>\n<params>\n<param>\n${encode(value)}\n</param>\n</params>\n</methodResponse>\n`;

export const faultXml = (code: number, text: string): string =>
  `<?xml version="1.0"?>\n<methodResponse>\n<fault>\n${encode({ faultCode: code, faultString: text })}\n</fault>\n</methodResponse>\n`;
