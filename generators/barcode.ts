/** Check digit of the first twelve digits of an EAN-13 (GS1 General Specifications 7.9): weights 1 and 3 from the left. */
export function ean13CheckDigit(twelve: string): number {
  let sum = 0;
  for (let place = 0; place < 12; place += 1) sum += (twelve.charCodeAt(place) - 48) * (place % 2 === 0 ? 1 : 3);
  return (10 - (sum % 10)) % 10;
}

/**
 * EAN-13 of the n-th product of a data set. Prefix 2 is GS1's for numbers inside a company, so that it is never the barcode of
 * something real; five digits of the seed follow, since Odoo wants barcodes unique over all data sets in one database.
 */
export function barcodeOf(seed: number, index: number): string {
  const twelve = `2${String(seed % 100_000).padStart(5, '0')}${String(index % 1_000_000).padStart(6, '0')}`;
  return `${twelve}${ean13CheckDigit(twelve)}`;
}
