/**
 * Simulated work of a request, by awaiting: the worker is occupied, the processor is not. The figures are those of a healthy,
 * well-equipped Odoo worker; the real time of SQL and of the password check comes on top.
 */
import type { ErpConfig } from './config.ts';
import type { Value } from './orm/value.ts';

interface Cost {
  readonly baseMs: number;
  /** For each dict or id in the first argument. */
  readonly perItemMs?: number;
}

const READ: Cost = { baseMs: 15, perItemMs: 0.02 };
const WRITE: Cost = { baseMs: 20, perItemMs: 0.5 };

const BY_METHOD: Readonly<Record<string, Cost>> = {
  read: READ,
  search: { baseMs: 12 },
  search_count: { baseMs: 10 },
  search_read: { baseMs: 18 },
  read_group: { baseMs: 40 },
  fields_get: { baseMs: 10 },
  create: { baseMs: 20, perItemMs: 2 },
  write: WRITE,
  unlink: WRITE,
  authenticate: { baseMs: 5 },
};

const BY_NAME: Readonly<Record<string, Cost>> = {
  'sale.order.create': { baseMs: 30, perItemMs: 5 },
  'sale.order.action_confirm': { baseMs: 40, perItemMs: 5 },
  'sale.order.action_cancel': { baseMs: 25, perItemMs: 2 },
  'sale.advance.payment.inv.create_invoices': { baseMs: 50 },
  'stock.picking.button_validate': { baseMs: 35, perItemMs: 5 },
  'stock.picking.action_assign': { baseMs: 25, perItemMs: 5 },
  'stock.quant.action_apply_inventory': { baseMs: 20, perItemMs: 1 },
  'pos.order.sync_from_ui': { baseMs: 20, perItemMs: 6 },
  'pos.config.open_ui': { baseMs: 30 },
  'pos.session.close_session_from_ui': { baseMs: 80 },
  'account.move.create': { baseMs: 20, perItemMs: 5 },
  'account.move.action_post': { baseMs: 25, perItemMs: 5 },
  'account.move.line.reconcile': { baseMs: 25, perItemMs: 2 },
  'account.move.reversal.refund_moves': { baseMs: 40 },
  'validate.account.move.validate_move': { baseMs: 40 },
  'account.payment.register.action_create_payments': { baseMs: 60 },
  'account.move.line.read_group': { baseMs: 60 },
};

const DEFAULT: Cost = { baseMs: 20, perItemMs: 1 };
/** Beyond this many items, each costs a twentieth: seeding in large batches must not take minutes. */
const FULL_PRICE_ITEMS = 50;
const JITTER = 0.15;

export type ServiceTimes = (model: string, method: string, args: readonly Value[]) => number;

const own = (costs: Readonly<Record<string, Cost>>, name: string): Cost | undefined =>
  Object.hasOwn(costs, name) ? costs[name] : undefined;

export function createServiceTimes(
  config: Pick<ErpConfig, 'serviceTimes' | 'serviceFactor'>,
  random: () => number = Math.random,
): ServiceTimes {
  return (model, method, args) => {
    const name = `${model}.${method}`;
    const usual = own(BY_NAME, name) ?? own(BY_METHOD, method) ?? DEFAULT;
    const override = Object.hasOwn(config.serviceTimes, name) ? config.serviceTimes[name] : undefined;
    const cost = override === undefined ? usual : { ...usual, baseMs: override };
    const [first] = args;
    const items = Array.isArray(first) ? first.length : 1;
    const full = Math.min(items, FULL_PRICE_ITEMS);
    const ms = cost.baseMs + (cost.perItemMs ?? 0) * (full + (items - full) / 20);
    return ms * config.serviceFactor * (1 + (random() * 2 - 1) * JITTER);
  };
}
