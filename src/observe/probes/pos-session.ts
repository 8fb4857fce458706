import { isRow, numberOf, readFirst } from '../../clients/odoo/records.ts';
import type { OdooPort } from '../../clients/ports.ts';
import { HarnessError } from '../../errors.ts';

const OPEN_STATES = ['opening_control', 'opened'];
/** Closing writes the session's journal entry and its stock moves. */
const CLOSING = { timeoutMs: 30_000 };

/** Opens the till's session as the POS does, or takes the one that is open, and gives its id. */
export async function openPosSession(odoo: OdooPort, configId: number): Promise<number> {
  let session = await findOpenSession(odoo, configId);
  if (session === null) {
    await odoo.require('pos.config', 'open_ui', [[configId]]);
    session = await findOpenSession(odoo, configId);
  }
  if (session === null) throw notOpened(configId, 'no session appeared');
  if (session.state === 'opened') return session.id;
  // Returns None, which XML-RPC answers with a fault after the commit (odoo-behaviour.md section 2): the state tells.
  const answer = await odoo.call('pos.session', 'set_opening_control', [[session.id], 0, '']);
  const after = await findOpenSession(odoo, configId);
  if (after?.state === 'opened') return after.id;
  throw notOpened(configId, answer.message ?? `it stays in ${after?.state ?? 'no state'}`);
}

/** Closes a session with its card payments as counted. Throws ERR_ODOO_FAULT with the server's reason when it stays open. */
export async function closePosSession(odoo: OdooPort, sessionId: number): Promise<void> {
  // Cash first; a till without cash refuses that ("no cash register"), which is all right. What counts is the last answer.
  for (const [method, argument] of [
    ['post_closing_cash_details', 0],
    ['update_closing_control_state_session', ''],
  ] as const) {
    const answer = await odoo.call('pos.session', method, [[sessionId], argument], {}, CLOSING);
    // Without any fault the server did not answer at all; the next call would only wait for it once more.
    if (answer.outcome !== 'ok' && answer.faultCode === undefined) throw notClosed(sessionId, answer.message ?? 'no answer');
  }
  const answer = await odoo.require('pos.session', 'close_session_from_ui', [[sessionId], []], {}, CLOSING);
  // HTTP 200 and no fault, but `successful` false: the session is still there (docs/reference/odoo-behaviour.md section 3).
  if (isRow(answer) && answer.successful === true) return;
  throw notClosed(sessionId, isRow(answer) ? String(answer.message ?? answer.title ?? 'no reason given') : 'no reason given');
}

async function findOpenSession(
  odoo: OdooPort,
  configId: number,
): Promise<{ readonly id: number; readonly state: string } | null> {
  const domain = [
    ['config_id', '=', configId],
    ['state', 'in', OPEN_STATES],
  ];
  const row = await readFirst(odoo, 'pos.session', domain, ['state']);
  return row === null ? null : { id: numberOf(row.id), state: String(row.state) };
}

function notClosed(sessionId: number, reason: string): HarnessError {
  return new HarnessError('ERR_ODOO_FAULT', `POS session ${sessionId} did not close: ${reason}`, {
    hint: 'close it in Point of Sale > Orders > Sessions',
  });
}

function notOpened(configId: number, reason: string): HarnessError {
  return new HarnessError('ERR_ODOO_FAULT', `the session of POS configuration ${configId} could not be opened: ${reason}`, {
    hint: 'look at its last session in Point of Sale > Orders > Sessions; one in closing control must be closed first',
  });
}
