import { type Probe, type ProbeContext, productFor, shotOf } from './probe.ts';

/** A customer's order of one piece. */
export function createOrderCaptureProbe({ odoo, catalogue }: ProbeContext): Probe {
  return {
    service: 'order-capture',
    start: async () => undefined,
    async shoot(key, number, timeoutMs) {
      const order = {
        partner_id: catalogue.partners[number % Math.max(1, catalogue.partners.length)] ?? 0,
        client_order_ref: key,
        order_line: [[0, 0, { product_id: productFor(catalogue, number).id, product_uom_qty: 1 }]],
      };
      return shotOf('sale.order', 'create', await odoo.call('sale.order', 'create', [order], {}, { timeoutMs }));
    },
    stop: async () => [],
  };
}
