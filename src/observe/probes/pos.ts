import { createHash } from 'node:crypto';
import { isRow, rowsOf } from '../../clients/odoo/records.ts';
import type { OdooAnswer, OdooValue } from '../../clients/ports.ts';
import { HarnessError } from '../../errors.ts';
import { closePosSession, openPosSession } from './pos-session.ts';
import { type Probe, type ProbeContext, productFor, shotOf } from './probe.ts';

/** A ticket of one line, paid by card, on the session of a till that nobody else uses. */
export function createPosProbe({ odoo, catalogue, clock }: ProbeContext): Probe {
  const till = catalogue.probeTill;
  let sessionId = 0;
  let reopening: Promise<void> | null = null;

  /** One at a time, beside the shots: the probe keeps its rate and fails until there is a session again. */
  const reopen = (configId: number): void => {
    reopening ??= openPosSession(odoo, configId)
      .then(
        (id) => {
          sessionId = id;
        },
        (error: unknown) => {
          // The target is still down; the next failed shot tries again.
          if (!(error instanceof HarnessError)) throw error;
        },
      )
      .finally(() => {
        reopening = null;
      });
  };

  return {
    service: 'pos',
    async start() {
      if (till === null)
        throw new HarnessError('ERR_PREFLIGHT', 'the catalogue of the target has no till for the POS probe', {
          hint: 'seed the target again',
        });
      sessionId = await openPosSession(odoo, till.configId);
    },
    async shoot(key, number, timeoutMs) {
      const { id, listPrice } = productFor(catalogue, number);
      const ticket = {
        uuid: key,
        name: `Order ${key}`,
        session_id: sessionId,
        user_id: catalogue.userId,
        partner_id: false,
        pricelist_id: false,
        fiscal_position_id: false,
        sequence_number: number,
        date_order: new Date(clock.now()).toISOString().slice(0, 19).replace('T', ' '),
        amount_total: listPrice,
        amount_tax: 0,
        amount_paid: listPrice,
        amount_return: 0,
        to_invoice: false,
        state: 'paid',
        last_order_preparation_change: '{}',
        lines: [[0, 0, lineOf(key, id, listPrice)]],
        payment_ids: [[0, 0, { amount: listPrice, payment_method_id: till?.paymentMethodId ?? 0 }]],
      };
      const answer = await odoo.call('pos.order', 'sync_from_ui', [[ticket]], {}, { timeoutMs });
      // A fault, not a lost connection: the session may have gone with a failover that lost it.
      if (answer.outcome === 'fail' && answer.faultCode !== undefined && till !== null) reopen(till.configId);
      return shotOf('pos.order', 'create', confirmed(answer, key));
    },
    async stop() {
      await reopening;
      if (till === null || sessionId === 0) return [];
      try {
        await closePosSession(odoo, sessionId);
        return [];
      } catch (error) {
        if (error instanceof HarnessError) return [error.message];
        throw error;
      }
    },
  };
}

function lineOf(key: string, productId: number, price: number): OdooValue {
  return {
    uuid: uuidOf(`${key}/1`),
    product_id: productId,
    qty: 1,
    price_unit: price,
    price_subtotal: price,
    price_subtotal_incl: price,
    discount: 0,
    tax_ids: [[6, 0, []]],
    pack_lot_ids: [],
  };
}

/** The answer is right only when it holds our ticket. */
function confirmed(answer: OdooAnswer, uuid: string): OdooAnswer {
  if (answer.outcome !== 'ok') return answer;
  const orders = isRow(answer.value) ? (answer.value['pos.order'] ?? []) : [];
  if (rowsOf(orders, 'pos.order.sync_from_ui').some((order) => order.uuid === uuid)) return answer;
  return { ...answer, outcome: 'unknown', message: 'the answer does not hold the ticket' };
}

/** The form of a UUID, made from a name: POS keys are UUIDs in Odoo, and must be found again by the name of the probe. */
export function uuidOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(18, 20)}-${hex.slice(20, 32)}`;
}
