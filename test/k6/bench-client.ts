/** For `test/bench/k6-client.ts`: the same message posted bare, or made, sent and judged by the client of the scenarios. */
import { md5 } from 'k6/crypto';
import http from 'k6/http';
import { cataloguePages, createOrder, planVisit } from '../../scenarios/journeys/checkout.ts';
import {
  encodeTickets,
  type Ticket,
  type TicketTemplate,
  ticketTemplate,
  ticketUuid,
} from '../../scenarios/journeys/pos-shift.ts';
import { openSession, type VuSession } from '../../scenarios/odoo/session.ts';
import { int, member, numberOfRow, struct, texts } from '../../scenarios/odoo/xmlrpc.ts';
import { hex2, hex4, randomAt, streamOf, uuidStem, zipf } from '../../scenarios/random.ts';

const { BENCH_URL: url = '', BENCH_CLIENT: client = '', BENCH_MESSAGE: message = '', BENCH_BODY: bodyFile = '' } = __ENV;
const iterations = Number(__ENV.BENCH_ITERATIONS);

export const options = {
  scenarios: { bench: { executor: 'shared-iterations', vus: 10, iterations, maxDuration: '5m' } },
  // As `scenarios/main.ts` has them; the bare post runs with k6's own defaults.
  ...(client === 'ours' ? { noConnectionReuse: true, systemTags: ['scenario', 'service', 'status', 'error_code'] } : {}),
};

const products = Array.from({ length: 40 }, (_, n) => ({ id: 3 + n, listPrice: 5 + n }));
const body = client === 'bare' ? open(bodyFile) : '';
const pick = zipf(10, 1.1);
const FIELDS = member('fields', texts(['display_name', 'default_code', 'list_price', 'uom_id']));
const KWARGS = struct([FIELDS, member('limit', int(20))]);
const pages = cataloguePages(products);
const visits = streamOf(7, 'visits');
const templates: TicketTemplate[] = [];
const tills = { configId: 1, paymentMethodId: 1 };

const planned =
  message !== 'write'
    ? []
    : Array.from({ length: 50 }, (_, n) =>
        planVisit(randomAt(visits, n), {
          key: `PP-run-sale-${n}`,
          products,
          partners: [11, 12],
          pricelistId: 2,
          hotProducts: 10,
          pickHot: pick,
          pages,
          maxLines: 3,
          cancelRatio: 0,
          retryRatio: 0,
          patienceMs: 1_000,
        }),
      );

let session: VuSession | undefined;
let count = 0;
let stem: string | undefined;

function bare(): void {
  http.post(`${url}/${message}`, body, { headers: { 'Content-Type': 'text/xml' } });
}

function ours(): void {
  session ??= openSession({ url: `${url}/${message}`, database: 'erp', login: 'admin', password: 'admin' }, 2);
  const odoo = session.begin(30_000, 60_000);
  count += 1;
  const n = count;
  if (message === 'read') {
    const args = pages.showing(0);
    const answer = odoo.call({ step: 'browse', model: 'product.product', method: 'search_read', args, kwargs: KWARGS });
    if (numberOfRow(answer.body, 9, 'list_price') === undefined) throw new Error('the price was not found');
    return;
  }
  if (message === 'write') {
    // Who the customer is and what is bought belongs to the journey of seven calls, not to this one.
    const visit = planned[n % planned.length];
    if (visit === undefined || createOrder(odoo, visit).outcome !== 'ok') throw new Error('no order');
    return;
  }
  stem ??= uuidStem(md5('PP-run/tills/1', 'hex'));
  const batch = stem + hex4(n & 65_535);
  const tickets: Ticket[] = [];
  for (let index = 0; index < 5; index += 1) {
    const at = (n + 7 * index) % 16;
    templates[at] ??= ticketTemplate(randomAt(visits, at), products, 2);
    tickets.push({ template: templates[at], stem: batch + hex2(index), sequence: index });
  }
  odoo.call({
    step: 'sync',
    model: 'pos.order',
    method: 'sync_from_ui',
    args: encodeTickets(tickets, tills, 1, '2026-11-22 03:00:00'),
    effect: 'create',
    keys: tickets.map(ticketUuid).join(' '),
  });
}

export default client === 'ours' ? ours : bare;
