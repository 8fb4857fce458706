/** A little of the web client: log in, who am I, log out. Enough for sessions in Redis to matter. */
import { closeWebSession, findWebSession, openWebSession } from '../cache/sessions.ts';
import { accessDenied, OdooError, toOdooError } from '../rpc/faults.ts';
import { jsonFault, jsonResponse } from '../rpc/jsonrpc.ts';
import { page, type RouteParts, webParams } from './routes.ts';
import type { Answer, Call } from './server.ts';

const sessionExpired = (): OdooError => new OdooError('odoo.http.SessionExpiredException', 2, 'Session expired');

const cookieOf = (call: Call): string => /(?:^|;\s*)session_id=([0-9a-f]+)/.exec(call.headers.cookie ?? '')?.[1] ?? '';
const setCookie = (id: string): Readonly<Record<string, string>> => ({
  'Set-Cookie': `session_id=${id}; Path=/; HttpOnly; SameSite=Lax`,
});

export async function handleWeb(parts: RouteParts, call: Call): Promise<Answer | null> {
  switch (`${call.method} ${call.path}`) {
    case 'GET /':
    case 'GET /web/login':
      return page(200, LOGIN_PAGE);
    case 'POST /web/login':
      return await login(parts, call);
    case 'GET /web/session/logout':
      await closeWebSession(parts.sessions, cookieOf(call));
      return page(303, '', { Location: '/web/login', 'Set-Cookie': 'session_id=; Path=/; Max-Age=0' });
    case 'POST /web/session/authenticate':
      return await answerJson(async () => await authenticate(parts, call));
    case 'POST /web/session/get_session_info':
      return await answerJson(async () => ({ result: await sessionInfo(parts, call) }));
    default:
      return null;
  }
}

async function answerJson(
  work: () => Promise<{
    readonly result: Readonly<Record<string, string | number>>;
    readonly headers?: Readonly<Record<string, string>>;
  }>,
): Promise<Answer> {
  try {
    const { result, headers } = await work();
    return {
      status: 200,
      type: 'application/json; charset=utf-8',
      body: jsonResponse(null, result),
      ...(headers ? { headers } : {}),
    };
  } catch (error) {
    return { status: 200, type: 'application/json; charset=utf-8', body: jsonFault(null, toOdooError(error)) };
  }
}

async function newSession(
  parts: RouteParts,
  login: string,
  password: string,
): Promise<{ readonly id: string; readonly uid: number } | null> {
  const uid = await parts.services.call('common', 'authenticate', [parts.databaseName, login, password, {}]);
  if (typeof uid !== 'number') return null;
  const id = await openWebSession(parts.sessions, { uid, login });
  if (id === null) throw new Error('the session store (Redis) did not take the session');
  return { id, uid };
}

async function login(parts: RouteParts, call: Call): Promise<Answer> {
  const form = new URLSearchParams(call.body);
  try {
    const session = await newSession(parts, form.get('login') ?? '', form.get('password') ?? '');
    if (!session) return page(200, LOGIN_PAGE.replace('<!--error-->', '<p role="alert">Wrong login/password</p>'));
    return page(303, '', { Location: '/odoo', ...setCookie(session.id) });
  } catch {
    // Without its session store the web client cannot let anyone in.
    return page(500, '<!doctype html><title>500 Internal Server Error</title>');
  }
}

async function authenticate(
  parts: RouteParts,
  call: Call,
): Promise<{ readonly result: Readonly<Record<string, string | number>>; readonly headers: Readonly<Record<string, string>> }> {
  const params = webParams(call.body);
  const session = await newSession(parts, String(params.login ?? ''), String(params.password ?? ''));
  if (!session) throw accessDenied();
  return {
    result: { uid: session.uid, username: String(params.login ?? ''), db: parts.databaseName, server_version: '18.0' },
    headers: setCookie(session.id),
  };
}

async function sessionInfo(parts: RouteParts, call: Call): Promise<Readonly<Record<string, string | number>>> {
  const session = await findWebSession(parts.sessions, cookieOf(call));
  if (!session) throw sessionExpired();
  return { uid: session.uid, username: session.login, db: parts.databaseName, server_version: '18.0' };
}

const LOGIN_PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Log in</title></head>
<body><main><h1>Practice ERP</h1><!--error-->
<form method="post" action="/web/login">
<label>Login <input name="login" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<button>Log in</button></form></main></body></html>
`;
