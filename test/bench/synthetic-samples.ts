/** Writes a `samples.csv` as k6 does, of any length, in constant memory. The same bytes for the same arguments. */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

const HEADER =
  'metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,proto,scenario,service,status,subproto,tls_version,url,extra_tags,metadata\n';
const STEPS = ['browse', 'price', 'create', 'confirm', 'status'] as const;

const ROWS_PER_ITERATION = 22;

/** Iterations begun in so many rows. */
export function iterationsIn(rows: number): number {
  return Math.ceil(rows / ROWS_PER_ITERATION);
}

export interface SyntheticLoad {
  readonly path: string;
  readonly rows: number;
  readonly startAt: number;
  readonly durationMs: number;
  readonly scenario: string;
}

/**
 * One iteration is 22 rows: `journey_started`, five calls with k6's own HTTP rows beside some of them, `journey_duration`,
 * `iterations`, `iteration_duration`; a third of the rows are ours, as in a real run with most HTTP metrics left on.
 */
export async function writeSyntheticSamples(load: SyntheticLoad): Promise<void> {
  const out = createWriteStream(load.path, { highWaterMark: 1024 * 1024 });
  const ended = finished(out);
  out.write(HEADER);
  let seed = 12345;
  const random = (): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 4294967296;
  };
  const iterations = iterationsIn(load.rows);
  let written = 0;
  let block: string[] = [];
  const emit = (row: string): void => {
    if (written >= load.rows) return;
    written += 1;
    block.push(row);
  };
  for (let i = 0; i < iterations; i += 1) {
    const at = Math.round((load.startAt + (load.durationMs * i) / iterations) * 1000);
    const s = load.scenario;
    const order = i % 2 === 0;
    const base = order ? 'load_class=user&journey=checkout' : 'journey=checkout&load_class=user';
    emit(`journey_started,${at},1.000000,,,,,,,,,${s},order-capture,,,,,${base},\n`);
    let t = at;
    let outcome = 'ok';
    for (const step of STEPS) {
      const ms = 5 + random() * 40;
      t += Math.round(ms * 1000);
      const bad = random() < 0.002;
      if (bad) outcome = 'fail';
      const o = bad ? 'fail' : 'ok';
      const write = step === 'create' || step === 'confirm';
      const tags = order
        ? `step=${step}&outcome=${o}&${base}&model=sale.order&effect=${write ? step : ''}&fault=`
        : `model=sale.order&fault=&${base}&effect=${write ? step : ''}&step=${step}&outcome=${o}`;
      emit(`odoo_call,${t},${ms.toFixed(6)},,,,,,,,,${s},order-capture,,,,,${tags},${write ? `keys=PP1-run-${i}` : ''}\n`);
      emit(`http_reqs,${t},1.000000,,,,true,,POST,/xmlrpc/2/object,HTTP/1.1,${s},,200,,,/xmlrpc/2/object,load_class=user,\n`);
      emit(
        `http_req_duration,${t},${ms.toFixed(6)},,,,true,,POST,/xmlrpc/2/object,HTTP/1.1,${s},,200,,,/xmlrpc/2/object,load_class=user,\n`,
      );
    }
    const total = (t - at) / 1000;
    emit(`journey_duration,${t},${total.toFixed(6)},,,,,,,,,${s},order-capture,,,,,outcome=${outcome}&${base},\n`);
    emit(`data_sent,${t},2048.000000,,,,,,,,,${s},,,,,,,\n`);
    emit(`data_received,${t},4096.000000,,,,,,,,,${s},,,,,,,\n`);
    emit(`iteration_duration,${t},${total.toFixed(6)},,,,,,,,,${s},,,,,,,\n`);
    emit(`iterations,${t},1.000000,,,,,,,,,${s},,,,,,,\n`);
    emit(`vus,${t},50.000000,,,,,,,,,,,,,,,,\n`);
    if (block.length > 5000) {
      const chunk = block.join('');
      block = [];
      if (!out.write(chunk)) await once(out, 'drain');
    }
  }
  out.end(block.join(''));
  await ended;
}
