import { triggerCrons } from '../flows/cron-jobs.ts';
import type { Registry } from '../orm/env.ts';
import type { ModelSpec } from '../orm/fields.ts';
import { createRegistry } from '../orm/registry.ts';
import * as account from './account.ts';
import * as base from './base.ts';
import { company } from './company.ts';
import * as pos from './pos.ts';
import { pricelist, pricelistItem } from './pricelist.ts';
import * as product from './product.ts';
import * as sale from './sale.ts';
import * as stock from './stock.ts';

const cron: ModelSpec = { ...base.cron, methods: { method_direct_trigger: { kind: 'record', run: triggerCrons } } };

const ALL: readonly ModelSpec[] = [
  base.currency,
  base.country,
  company,
  base.partner,
  base.users,
  base.uom,
  base.tax,
  base.paymentTerm,
  base.irModel,
  base.irModule,
  cron,
  product.category,
  product.posCategory,
  product.template,
  product.product,
  product.attribute,
  product.attributeValue,
  product.attributeLine,
  product.templateAttributeValue,
  pricelist,
  pricelistItem,
  sale.saleOrder,
  sale.saleOrderLine,
  sale.saleOrderCancel,
  sale.advancePayment,
  stock.location,
  stock.warehouse,
  stock.pickingType,
  stock.picking,
  stock.move,
  stock.quant,
  account.account,
  account.journal,
  account.move,
  account.moveLine,
  account.fullReconcile,
  account.payment,
  account.paymentRegister,
  account.moveReversal,
  account.validateMove,
  pos.paymentMethod,
  pos.config,
  pos.session,
  pos.order,
  pos.orderLine,
  pos.payment,
];

export const models: Registry = createRegistry(ALL);
