/** Every row of the fault table (docs/reference/odoo-behaviour.md section 4), and the answers of the protocol itself. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client, callBody, decodeResponse, Fault } from './lab-erp-client.ts';
import { TestErp, type TestWorker } from './lab-erp-support.ts';

let erp: TestErp;
let worker: TestWorker;
let client: Client;

beforeAll(async () => {
  erp = await TestErp.start();
  worker = await erp.startWorker();
  client = new Client(worker.url);
});
afterAll(async () => await erp?.stop());

async function rawFault(service: string, body: string): Promise<Fault> {
  try {
    decodeResponse(await client.raw(service, body));
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('answered without a fault');
}

describe('fault table', () => {
  test('wrong password in execute_kw: 3, Access Denied', async () => {
    const fault = await new Client(worker.url, 2, 'wrong').fault('res.partner', 'search', [[]]);
    expect([fault.code, fault.message]).toEqual([3, 'Access Denied']);
  });

  test('unknown uid: 2, record does not exist', async () => {
    const fault = await new Client(worker.url, 9999).fault('res.partner', 'search', [[]]);
    expect(fault.code).toBe(2);
    expect(fault.message).toBe('Record does not exist or has been deleted.\n(Record: res.users(9999,), User: 9999)');
  });

  test('unknown database: 1, psycopg2.OperationalError', async () => {
    const fault = await rawFault('object', callBody('execute_kw', ['nope', 2, 'admin', 'res.partner', 'search', [[]]]));
    expect(fault.code).toBe(1);
    expect(fault.lastLine).toMatch(/^psycopg2\.OperationalError: .*database "nope" does not exist$/);
  });

  test('unknown model: 2', async () => {
    const fault = await client.fault('no.such.model', 'search', [[]]);
    expect([fault.code, fault.message]).toEqual([2, "Object no.such.model doesn't exist"]);
  });

  test('unknown method: 1, AttributeError', async () => {
    const fault = await client.fault('res.partner', 'nomethod', [[1]]);
    expect([fault.code, fault.lastLine]).toEqual([1, "AttributeError: The method 'res.partner.nomethod' does not exist"]);
    expect((await client.fault('res.partner', 'constructor', [[1]])).lastLine).toContain('does not exist');
  });

  test('private method: 4', async () => {
    const fault = await client.fault('res.partner', '_write', [[1], {}]);
    expect([fault.code, fault.message]).toEqual([4, "Private methods (such as 'res.partner._write') cannot be called remotely."]);
  });

  test('bad domain field, unknown field on create, on read: 1, ValueError', async () => {
    for (const fault of [
      await client.fault('res.partner', 'search', [[['nofield', '=', 1]]]),
      await client.fault('res.partner', 'create', [{ name: 'x', nofield: 1 }]),
      await client.fault('res.partner', 'read', [[1], ['nofield']]),
    ]) {
      expect(fault.code).toBe(1);
      expect(fault.lastLine).toMatch(/^ValueError: Invalid field/);
    }
  });

  test('missing required: 2, names the field', async () => {
    const fault = await client.fault('sale.order', 'create', [{ client_order_ref: 'x' }]);
    expect(fault.code).toBe(2);
    expect(fault.message).toMatch(/^The operation cannot be completed:/);
    expect(fault.message).toContain('Field: Customer (partner_id)');
  });

  test('write, unlink and reference to a missing id: 2; read gives an empty list', async () => {
    for (const fault of [
      await client.fault('res.partner', 'write', [[999_999], { name: 'x' }]),
      await client.fault('res.partner', 'unlink', [[999_999]]),
      await client.fault('sale.order', 'create', [{ partner_id: 999_999 }]),
      await client.fault('sale.order', 'action_confirm', [[999_999]]),
    ]) {
      expect(fault.code).toBe(2);
      expect(fault.message).toMatch(/^Record does not exist or has been deleted\.\n\(Record: .*\(999999,\), User: 2\)/);
    }
    expect(await client.call('res.partner', 'read', [[999_999], ['name']])).toEqual([]);
  });

  test('unique violation: 2, with the message of the constraint', async () => {
    const fault = await client.fault('res.users', 'create', [{ name: 'Twin', login: 'admin' }]);
    expect([fault.code, fault.message]).toEqual([
      2,
      'The operation cannot be completed: You can not have two users with the same login!',
    ]);
    expect(await client.call('res.partner', 'search_count', [[['name', '=', 'Twin']]])).toBe(0);
  });

  test('business rule: 2, unbalanced entry', async () => {
    const accounts = await client.call('account.account', 'search', [[['account_type', 'in', ['income', 'expense']]]], {
      limit: 2,
    });
    const lines = [
      [0, 0, { account_id: accounts[0], debit: 10, credit: 0 }],
      [0, 0, { account_id: accounts[1], debit: 0, credit: 9 }],
    ];
    const fault = await client.fault('account.move', 'create', [{ move_type: 'entry', ref: 'unbalanced', line_ids: lines }]);
    expect(fault.code).toBe(2);
    expect(fault.message.split('\n')[0]).toMatch(/is not balanced\.$/);
    expect(await client.call('account.move', 'search_count', [[['ref', '=', 'unbalanced']]])).toBe(0);
  });

  test('wrong argument type or number: 1, TypeError', async () => {
    for (const fault of [
      await client.fault('res.partner', 'create', [7]),
      await client.fault('res.partner', 'search', [[], 0, 0, 'id', 'more']),
      await client.fault('res.partner', 'search_read', [[]], { nokey: 1 }),
      await client.fault('res.partner', 'write', [[1]]),
    ]) {
      expect(fault.code).toBe(1);
      expect(fault.lastLine).toMatch(/^TypeError: /);
    }
  });

  test('malformed and empty XML: 1, ExpatError', async () => {
    for (const body of ['', '<methodCall>', 'nonsense']) {
      const fault = await rawFault('object', body);
      expect(fault.code).toBe(1);
      expect(fault.lastLine).toMatch(/^xml\.parsers\.expat\.ExpatError: /);
    }
  });

  test('a wrong value for a column stays a fault and leaves the worker usable', async () => {
    const fault = await client.fault('res.partner', 'search', [[['id', '=', 'abc']]]);
    expect([fault.code, fault.lastLine]).toEqual([1, expect.stringMatching(/^psycopg2\.errors\.InvalidTextRepresentation: /)]);
    expect(await client.call('res.partner', 'search_count', [[['id', '=', 3]]])).toBe(1);
  });
});

describe('protocol', () => {
  test('version and authenticate answer as Odoo 18; a wrong password is False, not a fault', async () => {
    expect((await client.common('version', [])).server_serie).toBe('18.0');
    expect(await client.common('authenticate', ['erp', 'admin', 'admin', {}])).toBe(2);
    expect(await client.common('authenticate', ['erp', 'admin', 'wrong', {}])).toBe(false);
    expect(await client.common('authenticate', ['erp', 'nobody', 'admin', {}])).toBe(false);
  });

  test('closes the connection after each answer and refuses GET', async () => {
    const response = await fetch(`${worker.url}/xmlrpc/2/common`, { method: 'POST', body: callBody('version', []) });
    expect(response.headers.get('connection')).toBe('close');
    expect(response.headers.get('content-type')).toBe('text/xml; charset=utf-8');
    const get = await fetch(`${worker.url}/xmlrpc/2/common`);
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'OPTIONS, POST']);
  });

  test('JSON-RPC answers results, errors with HTTP 200, and None as an answer without result', async () => {
    const args = (model: string, method: string, params: readonly never[] | readonly object[]) => [
      'erp',
      2,
      'admin',
      model,
      method,
      params,
    ];
    expect(await client.json('object', 'execute_kw', args('res.partner', 'read', [[3], ['name']]) as never)).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: [{ id: 3, name: 'Administrator' }],
    });
    const failed = await client.json('object', 'execute_kw', args('no.such', 'read', [[3]]) as never);
    expect(failed.error).toMatchObject({ code: 200, message: 'Odoo Server Error', data: { name: 'odoo.exceptions.UserError' } });
    const config = (await client.call('pos.config', 'create', [[{ name: 'None' }]]))[0];
    await client.call('pos.config', 'open_ui', [[config]]);
    const [{ current_session_id: session }] = await client.call('pos.config', 'read', [[config], ['current_session_id']]);
    expect(
      await client.json(
        'object',
        'execute_kw',
        args('pos.session', 'set_opening_control', [[session[0]], 0, ''] as never) as never,
      ),
    ).toEqual({
      jsonrpc: '2.0',
      id: 1,
    });
  });

  test('accepts nil in a request and drops control characters from an answer', async () => {
    const id = await client.call('res.partner', 'create', [{ name: 'Nil & <Söhne>', ref: null }]);
    expect(await client.call('res.partner', 'read', [[id], ['name', 'ref', 'write_date']])).toEqual([
      { id, name: 'Nil & <Söhne>', ref: false, write_date: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/) },
    ]);
  });

  test('keeps web sessions in Redis', async () => {
    const login = await fetch(`${worker.url}/web/login`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ login: 'admin', password: 'admin' }),
    });
    expect([login.status, login.headers.get('location')]).toEqual([303, '/odoo']);
    const cookie = (login.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const info = async (value: string): Promise<{ result?: { uid: number }; error?: { data: { name: string } } }> => {
      const response = await fetch(`${worker.url}/web/session/get_session_info`, {
        method: 'POST',
        headers: { cookie: value },
        body: '{}',
      });
      return (await response.json()) as never;
    };
    expect((await info(cookie)).result?.uid).toBe(2);
    expect((await info('session_id=00')).error?.data.name).toBe('odoo.http.SessionExpiredException');
  });
});
