/** POS sync burst: the tills of some stores were offline and send their backlogs within the catch-up time, then close. */
import { md5 } from 'k6/crypto';
import exec from 'k6/execution';
import type { PosSyncBurstSpec } from '../src/model/plan.ts';
import { runJourney, type SetupData, sessionOf } from './iteration.ts';
import { closeTill, syncBatch, type Ticket, type TicketTemplate, type Till, ticketTemplate } from './journeys/pos-shift.ts';
import { catalogue, input, keyPrefix, products, specOf, tills } from './load-input.ts';
import { hex2, hex4, randomAt, streamOf, uuidStem } from './random.ts';
import { evenArrivals, type K6Scenario, posIterations } from './shape.ts';

export const posSyncBurstScenario = (spec: PosSyncBurstSpec): K6Scenario =>
  evenArrivals(spec, 'posSyncBurst', posIterations(spec).total, spec.catchUpMs);

const chosen: Record<string, readonly Till[]> = {};

/** The first tills of the first stores of the catalogue. */
function tillsOf(spec: PosSyncBurstSpec): readonly Till[] {
  const known = chosen[spec.id];
  if (known !== undefined) return known;
  const byStore = new Map<number, Till[]>();
  for (const till of tills) {
    const store = byStore.get(till.store) ?? [];
    byStore.set(till.store, store);
    if (store.length < spec.tillsPerStore) store.push({ configId: till.configId, paymentMethodId: till.paymentMethodId });
  }
  const picked = [...byStore.values()].slice(0, spec.stores).flat();
  if (picked.length === 0) throw new Error(`scenario "${spec.id}": the catalogue has no tills`);
  chosen[spec.id] = picked;
  return picked;
}

/** Different tickets of a load; each is sent many times, under new uuids. */
const TEMPLATES = 16;

const templates: Record<string, (TicketTemplate | undefined)[]> = {};

function templateOf(scenario: string, index: number): TicketTemplate {
  templates[scenario] ??= [];
  const known = templates[scenario][index];
  if (known !== undefined) return known;
  const onShelves = products.slice(0, catalogue.storeProducts ?? products.length);
  const made = ticketTemplate(randomAt(streamOf(input.seed, scenario, 'tickets'), index), onShelves, catalogue.userId);
  templates[scenario][index] = made;
  return made;
}

const stems: Record<string, string> = {};

/** Where the uuids of a till's tickets start in this run. */
function stemOf(scenario: string, till: number): string {
  const name = `${scenario}/${till}`;
  stems[name] ??= uuidStem(md5(`${keyPrefix}/${name}`, 'hex'));
  return stems[name];
}

export function posSyncBurst(data: SetupData): void {
  const { name, iterationInTest: n } = exec.scenario;
  const spec = specOf('pos-sync-burst', name);
  const { tills: planned, batchesPerTill } = posIterations(spec);
  const ours = tillsOf(spec);
  const till = ours[(n % planned) % ours.length];
  if (till === undefined) return;
  const journey = { loadClass: spec.loadClass, service: 'pos' as const };
  const round = Math.floor(n / planned);
  if (round >= batchesPerTill) {
    runJourney(spec, data, { ...journey, name: 'close-till' }, (odoo) => closeTill(odoo, till));
    return;
  }
  const first = round * spec.batchSize;
  const size = Math.min(spec.batchSize, spec.ticketsPerTill - first);
  const stem = stemOf(spec.id, n % planned) + hex4(round);
  const tickets: Ticket[] = [];
  for (let index = 0; index < size; index += 1)
    tickets.push({
      template: templateOf(spec.id, (n + 7 * index) % TEMPLATES),
      stem: stem + hex2(index),
      sequence: first + index + 1,
    });
  const at = new Date().toISOString().slice(0, 19).replace('T', ' ');
  runJourney(spec, data, { ...journey, name: 'sync-backlog' }, (odoo) => syncBatch(odoo, { till, tickets, at }));
}

/** When the load has ended: closes what dropped or failed iterations left open, so that the next shift can start. */
export function closeRemainingTills(spec: PosSyncBurstSpec, data: SetupData, deadline: number): void {
  for (const till of tillsOf(spec)) {
    const leftMs = deadline - Date.now();
    if (leftMs < 1_000) {
      console.warn(`${spec.id}: no time left to close every till; some sessions stay open`);
      return;
    }
    const outcome = closeTill(sessionOf(data.uid, Math.min(spec.timeoutMs, leftMs), leftMs), till);
    if (outcome !== 'ok') console.warn(`${spec.id}: the session of pos.config ${till.configId} could not be closed`);
  }
}
