/** Codes by which a record of a data set is found again on a target, made from seed and number alone. */

/** Starts every code of a data set. The hyphen keeps seed 4 apart from seed 42. */
export function datasetPrefix(seed: number): string {
  return `PP${seed}-`;
}

const padded = (number: number, width: number): string => String(number).padStart(width, '0');

export const categoryCode = (seed: number, index: number): string => `${datasetPrefix(seed)}C${padded(index + 1, 3)}`;
export const productCode = (seed: number, index: number): string => `${datasetPrefix(seed)}P${padded(index + 1, 6)}`;
export const customerCode = (seed: number, index: number): string => `${datasetPrefix(seed)}K${padded(index + 1, 6)}`;
export const storeCode = (seed: number, store: number): string => `${datasetPrefix(seed)}S${padded(store + 1, 3)}`;
export const tillCode = (seed: number, store: number, till: number): string =>
  `${storeCode(seed, store)}-T${padded(till + 1, 2)}`;
export const probeTillCode = (seed: number): string => `${datasetPrefix(seed)}PROBE`;
export const promotionCode = (seed: number): string => `${datasetPrefix(seed)}PROMOTION`;
