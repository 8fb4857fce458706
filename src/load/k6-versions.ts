/** Which k6 the scenarios run on. */
import type { K6Module } from '../clients/k6-binary.ts';

/** The version that is built or downloaded when none is found; the one the tests run on. */
export const K6_MODULE: K6Module = {
  version: '2.2.0',
  module: 'go.k6.io/k6/v2',
  sums: [
    'go.k6.io/k6/v2 v2.2.0 h1:FXtQJeClRQm25eraUvz/cbn2xcYZThs6cv2lBnid8tM=',
    'go.k6.io/k6/v2 v2.2.0/go.mod h1:7OY2MP0BM2TOKvOXmHbWixaIXmLVnZbbSWiKSQnQnSU=',
  ],
};

/** TypeScript without a flag came with 1.0; what 3 will change nobody knows. */
export const K6_RANGE = '>=1.0.0 <3.0.0';

export function isSupportedK6(version: string): boolean {
  const major = Number(version.split('.')[0]);
  return major >= 1 && major < 3;
}
