const ON_HAND = "l.usage = 'internal'";
const OPEN_STATES = "('confirmed', 'waiting', 'partially_available', 'assigned')";

/** Quantities of the product behind `alias`, over the internal locations of the company. */
export function quantitySql(alias: string, kind: 'on-hand' | 'free' | 'incoming' | 'outgoing' | 'forecast'): string {
  const quants = (sum: string): string =>
    `COALESCE((SELECT sum(${sum}) FROM stock_quant q JOIN stock_location l ON l.id = q.location_id WHERE q.product_id = ${alias}.id AND ${ON_HAND}), 0)`;
  const moves = (from: string, to: string): string =>
    `COALESCE((SELECT sum(m.product_uom_qty) FROM stock_move m JOIN stock_location s ON s.id = m.location_id JOIN stock_location d ON d.id = m.location_dest_id WHERE m.product_id = ${alias}.id AND m.state IN ${OPEN_STATES} AND ${from} AND ${to}), 0)`;
  const outgoing = moves("s.usage = 'internal'", "d.usage <> 'internal'");
  const incoming = moves("s.usage <> 'internal'", "d.usage = 'internal'");
  switch (kind) {
    case 'on-hand':
      return quants('q.quantity');
    case 'free':
      return quants('q.quantity - q.reserved_quantity');
    case 'incoming':
      return incoming;
    case 'outgoing':
      return outgoing;
    case 'forecast':
      return `(${quants('q.quantity')} + ${incoming} - ${outgoing})`;
  }
}
