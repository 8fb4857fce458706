/**
 * What a call costs the k6 client, as a multiple of a bare `http.post` of the same message: CPU (user + system) of the k6 process per
 * request, start-up taken off, on a stub that answers a fixed message and hangs up as Odoo does. The cheapest of several rounds
 * counts: what else the machine does only ever adds.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { packageRoot } from '../../src/clients/package-root.ts';
import { resolveK6 } from '../../src/load/resolve-k6.ts';
import { k6Memory } from '../../src/load/run-load.ts';
import { answerXml } from '../integration/load-stub-odoo.ts';

export const MAX_RATIO = 1.6;
const MESSAGES = ['read', 'write', 'pos-batch'] as const;
type Message = (typeof MESSAGES)[number];
type Client = 'bare' | 'ours';

export interface K6ClientRow {
  readonly message: Message;
  readonly requestBytes: number;
  readonly bareMs: number;
  readonly oursMs: number;
  readonly ratio: number;
}

const ITERATIONS = 5_000;
const FEW = 50;
const ROUNDS = 7;

export async function benchK6Client(): Promise<readonly K6ClientRow[]> {
  const dir = await mkdtemp(join(tmpdir(), 'peakproof-bench-'));
  const stub = await startStub();
  try {
    const k6 = await resolveK6({ env: process.env });
    const rows: K6ClientRow[] = [];
    for (const message of MESSAGES) {
      const cpu = (client: Client, iterations: number) => cpuMs(k6.path, { url: stub.url, dir, message, client, iterations });
      await cpu('ours', FEW);
      const request = stub.lastBody();
      await writeFile(join(dir, `${message}.xml`), request);
      const perRequest: Record<Client, number[]> = { bare: [], ours: [] };
      // Both clients in each round: what else the machine does meanwhile hits them alike.
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const client of ['bare', 'ours'] as const) {
          const start = await cpu(client, FEW);
          perRequest[client].push(((await cpu(client, ITERATIONS)) - start) / (ITERATIONS - FEW));
        }
      }
      const bareMs = Math.min(...perRequest.bare);
      const oursMs = Math.min(...perRequest.ours);
      rows.push({ message, requestBytes: Buffer.byteLength(request), bareMs, oursMs, ratio: oursMs / bareMs });
    }
    return rows;
  } finally {
    await stub.close();
    await rm(dir, { recursive: true, force: true });
  }
}

interface BenchRun {
  readonly url: string;
  readonly dir: string;
  readonly message: Message;
  readonly client: Client;
  readonly iterations: number;
}

/** The shell's `times` has what its children used, to 10 ms. */
async function cpuMs(k6: string, run: BenchRun): Promise<number> {
  const script = join(packageRoot(), 'test/k6/bench-client.ts');
  const { stdout } = await execa(
    'sh',
    ['-c', '"$1" run --no-usage-report --quiet --address= --out=csv=bench.csv "$2" >k6.txt 2>&1; times', 'sh', k6, script],
    {
      cwd: run.dir,
      env: {
        BENCH_URL: run.url,
        BENCH_CLIENT: run.client,
        BENCH_MESSAGE: run.message,
        BENCH_BODY: join(run.dir, `${run.message}.xml`),
        BENCH_ITERATIONS: String(run.iterations),
        K6_CSV_TIME_FORMAT: 'unix_micro',
        // Both clients as `runLoad` starts k6.
        ...k6Memory([]),
      },
    },
  );
  const output = await readFile(join(run.dir, 'k6.txt'), 'utf8');
  if (/level=error|script exception/i.test(output)) throw new Error(`k6 failed: ${output.slice(0, 500)}`);
  const children = stdout.trim().split('\n')[1] ?? '';
  return [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60_000 + Number(seconds) * 1_000,
    0,
  );
}

async function startStub(): Promise<{ readonly url: string; lastBody(): string; close(): Promise<void> }> {
  let lastBody = Buffer.alloc(0);
  const read = answerXml(
    Array.from({ length: 20 }, (_, n) => ({
      id: 3 + n,
      display_name: `Load product ${n}`,
      default_code: `LT-${n}`,
      list_price: 10 + n,
      uom_id: [1, 'Units'],
    })),
  );
  const synced = answerXml({
    'pos.order': Array.from({ length: 5 }, (_, n) => ({ id: n + 1, state: 'paid', uuid: 'x'.repeat(36) })),
    'pos.payment': [],
  });
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      lastBody = Buffer.concat(chunks);
      const path = request.url ?? '';
      response.writeHead(200, { 'Content-Type': 'text/xml; charset=utf-8', Connection: 'close' });
      response.end(path.startsWith('/read') ? read : path.startsWith('/write') ? answerXml(4) : synced);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lastBody: () => lastBody.toString('utf8'),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

export function renderK6ClientRows(rows: readonly K6ClientRow[]): string {
  return rows
    .map(
      ({ message, requestBytes, bareMs, oursMs, ratio }) =>
        `k6 client, ${message} (${requestBytes} B): ${oursMs.toFixed(3)} ms CPU a request, bare post ${bareMs.toFixed(3)} ms, ratio ${ratio.toFixed(2)} (limit ${MAX_RATIO})`,
    )
    .join('\n');
}

if (import.meta.main) console.log(renderK6ClientRows(await benchK6Client()));
