/** Codes by which a record of a data set is found again on a target, made from seed and number alone. */

/** Starts every code of a data set. The hyphen keeps seed 4 apart from seed 42. */
export function datasetPrefix(seed: number): string {
  return `PP${seed}-`;
}

const padded = (number: number, width: number): string => String(number).padStart(width, '0');

export const categoryCode = (seed: number, index: number): string => `${datasetPrefix(seed)}C${padded(index + 1, 3)}`;
/** A model: what comes in colours and sizes. Numbered by its first product. */
export const modelCode = (seed: number, firstProduct: number): string => `${datasetPrefix(seed)}M${padded(firstProduct + 1, 6)}`;
export const attributeCode = (seed: number, attribute: 'color' | 'size'): string =>
  `${datasetPrefix(seed)}A${attribute === 'color' ? 1 : 2}`;
export const productCode = (seed: number, index: number): string => `${datasetPrefix(seed)}P${padded(index + 1, 6)}`;
export const customerCode = (seed: number, index: number): string => `${datasetPrefix(seed)}K${padded(index + 1, 6)}`;
export const storeCode = (seed: number, store: number): string => `${datasetPrefix(seed)}S${padded(store + 1, 3)}`;
/**
 * Short name of a store's warehouse, which Odoo allows five characters for and wants unique in the company: two of them are from the
 * seed, so that data sets of different seeds seldom meet.
 */
export const warehouseCode = (seed: number, store: number): string =>
  `W${base36(Math.imul(seed | 0, 0x9e3779b1))}${base36(store)}`;
/** Two digits. */
const base36 = (number: number): string => ((number >>> 0) % 1296).toString(36).toUpperCase().padStart(2, '0');
export const tillCode = (seed: number, store: number, till: number): string =>
  `${storeCode(seed, store)}-T${padded(till + 1, 2)}`;
export const probeTillCode = (seed: number): string => `${datasetPrefix(seed)}PROBE`;
export const promotionCode = (seed: number): string => `${datasetPrefix(seed)}PROMOTION`;
