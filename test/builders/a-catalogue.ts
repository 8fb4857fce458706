import type { TargetCatalogue } from '../../src/model/catalogue.ts';

/** A small catalogue: products 11-13 (11 is hot), partners 21-22, one till on config 41 and the probe's on 42. */
export function aCatalogue(changes: Partial<TargetCatalogue> = {}): TargetCatalogue {
  return {
    schemaVersion: 1,
    prefix: 'PP42-',
    serverVersion: '18.0',
    userId: 2,
    companyId: 1,
    products: [11, 12, 13].map((id) => ({ id, code: `PP42-P0000${id}`, listPrice: id / 2 })),
    hotProducts: 1,
    partners: [21, 22],
    pricelists: { regular: null, promotion: 31 },
    journals: { sale: 1, general: 2, bank: 3 },
    accounts: { receivable: 1, revenue: 2, expense: 3, payable: 4 },
    tills: [{ configId: 41, store: 0, till: 0, paymentMethodId: 51 }],
    probeTill: { configId: 42, paymentMethodId: 51 },
    stockLocationId: 8,
    openingQuants: { 11: 100, 12: 100, 13: 100 },
    openingMoves: { 11: 100, 12: 100, 13: 100 },
    ...changes,
  };
}
