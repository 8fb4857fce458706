import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOdooClient, type OdooTransport } from '../../../../src/clients/odoo/client.ts';
import type { OdooPort } from '../../../../src/clients/ports.ts';

type Respond = (body: string, response: ServerResponse, request: IncomingMessage) => void;

let server: Server;
let url = '';
let connections = 0;
/** Answers `execute_kw`; the login around it always works. */
let onExecute: Respond = () => undefined;
let onCommon: Respond = commonAnswers;

const value = (inner: string): string =>
  `<?xml version="1.0"?><methodResponse><params><param><value>${inner}</value></param></params></methodResponse>`;
const fault = (code: number, text: string): string =>
  `<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>${code}</int></value></member><member><name>faultString</name><value><string>${text}</string></value></member></struct></value></fault></methodResponse>`;

function commonAnswers(body: string, response: ServerResponse): void {
  if (body.includes('<methodName>version<')) {
    response.end(value('<struct><member><name>server_version</name><value><string>18.0</string></value></member></struct>'));
  } else response.end(value('<int>2</int>'));
}

function client(transport: OdooTransport = 'xmlrpc', timeoutMs = 2000): OdooPort {
  return createOdooClient({ url, database: 'erp', login: 'admin', password: 's3cret', transport, timeoutMs });
}

beforeEach(async () => {
  connections = 0;
  onCommon = commonAnswers;
  onExecute = () => undefined;
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => (request.url === '/xmlrpc/2/common' ? onCommon : onExecute)(body, response, request));
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('call', () => {
  it('sends each call over a connection of its own, logging in once', async () => {
    const seen: (string | undefined)[] = [];
    onExecute = (_body, response, request) => {
      seen.push(request.headers.connection);
      response.end(value('<int>7</int>'));
    };
    const odoo = client();
    for (let n = 0; n < 3; n += 1)
      expect(await odoo.call('res.partner', 'create', [{ name: 'A' }])).toMatchObject({ outcome: 'ok', value: 7 });
    expect(seen).toEqual(['close', 'close', 'close']);
    expect(connections).toBe(5);
  });

  it.each<[string, Respond, object]>([
    [
      'a business fault',
      (_b, r) => r.end(fault(2, 'not balanced.')),
      { outcome: 'fail', faultCode: 2, message: 'not balanced.' },
    ],
    [
      'a None fault',
      (_b, r) => r.end(fault(1, 'Traceback\nTypeError: cannot marshal None unless allow_none is enabled')),
      { outcome: 'unknown', faultCode: 1 },
    ],
    ['a connection lost after sending', (_b, r) => r.destroy(), { outcome: 'unknown' }],
    [
      'an answer cut short',
      (_b, r) => {
        r.writeHead(200, { 'Content-Length': 100 });
        r.write('<meth');
        setImmediate(() => r.destroy());
      },
      { outcome: 'unknown' },
    ],
    ['an HTML page with status 200', (_b, r) => r.end('<html></html>'), { outcome: 'unknown' }],
    ['502 of an ingress', (_b, r) => r.writeHead(502).end(), { outcome: 'unknown', message: 'HTTP 502' }],
    ['503 of an ingress', (_b, r) => r.writeHead(503).end('no worker'), { outcome: 'fail', message: 'HTTP 503' }],
    [
      'a redirect',
      (_b, r) => r.writeHead(301, { location: 'https://x/' }).end(),
      { outcome: 'fail', message: 'HTTP 301, which points to https://x/' },
    ],
  ])('classifies %s', async (_title, respond, expected) => {
    onExecute = respond;
    expect(await client().call('sale.order', 'create', [{}])).toMatchObject(expected);
  });

  it('is unknown when no answer came in time, and fails when nothing listens', async () => {
    const odoo = client('xmlrpc', 2000);
    await odoo.login();
    const late = await odoo.call('sale.order', 'create', [{}], {}, { timeoutMs: 20 });
    expect(late).toMatchObject({ outcome: 'unknown', message: 'no answer within 20 ms' });
    expect(late.latencyMs).toBeGreaterThan(15);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(await odoo.call('sale.order', 'create', [{}])).toMatchObject({ outcome: 'fail' });
    await expect(odoo.require('sale.order', 'create', [{}])).rejects.toMatchObject({ code: 'ERR_TARGET_UNREACHABLE' });
    server.listen(0);
  });

  it('is unknown when the harness cancels it after sending', async () => {
    const odoo = client();
    await odoo.login();
    const cancel = new AbortController();
    onExecute = () => cancel.abort();
    expect(await odoo.call('sale.order', 'create', [{}], {}, { signal: cancel.signal })).toMatchObject({ outcome: 'unknown' });
  });
});

describe('login', () => {
  it.each<[string, Respond, string]>([
    [
      'a wrong password',
      (b, r) => (b.includes('authenticate') ? r.end(value('<boolean>0</boolean>')) : commonAnswers(b, r)),
      'ERR_AUTHENTICATION',
    ],
    [
      'a missing database',
      (b, r) =>
        b.includes('authenticate')
          ? r.end(fault(1, 'Traceback\npsycopg2.OperationalError: FATAL:  database "erp" does not exist'))
          : commonAnswers(b, r),
      'ERR_DATABASE_MISSING',
    ],
    ['a server that is no Odoo', (_b, r) => r.end('<html></html>'), 'ERR_TARGET_UNREACHABLE'],
  ])('names %s', async (_title, respond, code) => {
    onCommon = respond;
    const failure = await client()
      .login()
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code });
    expect(String(failure)).not.toContain('s3cret');
  });

  it('names a target that is down, and works once it is up', async () => {
    onCommon = (_b, r) => r.destroy();
    const odoo = client();
    await expect(odoo.login()).rejects.toMatchObject({ code: 'ERR_TARGET_UNREACHABLE' });
    onCommon = commonAnswers;
    expect(await odoo.login()).toBe(2);
  });

  it.each(['not a url', 'ftp://x', 'http://admin:pw@x'])('refuses %j as URL', (text) => {
    expect(() => createOdooClient({ url: text, database: 'd', login: 'l', password: 'p' })).toThrow(
      expect.objectContaining({ code: 'ERR_USAGE' }),
    );
  });
});

describe('require', () => {
  it('names the missing model and the apps', async () => {
    onExecute = (_b, r) => r.end(fault(2, "Object pos.order doesn't exist"));
    await expect(client().require('pos.order', 'search', [[]])).rejects.toMatchObject({ code: 'ERR_MODEL_MISSING' });
  });
});

describe('over JSON-RPC', () => {
  it('takes an answer without result for a committed None, and reads errors', async () => {
    const answers = [
      { result: { server_version: '18.0' } },
      { result: 2 },
      {},
      {
        error: { code: 200, message: 'Odoo Server Error', data: { name: 'odoo.exceptions.UserError', message: 'not balanced.' } },
      },
    ];
    onExecute = (_b, r, request) => {
      expect(request.url).toBe('/jsonrpc');
      r.end(JSON.stringify({ jsonrpc: '2.0', id: 1, ...answers.shift() }));
    };
    const odoo = client('jsonrpc');
    expect(await odoo.call('account.move.line', 'reconcile', [[1]])).toMatchObject({ outcome: 'ok', value: null });
    expect(await odoo.call('account.move', 'create', [{}])).toMatchObject({
      outcome: 'fail',
      message: 'odoo.exceptions.UserError: not balanced.',
    });
  });
});
