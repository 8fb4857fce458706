/** `npm run bench`: ratios and memory, never a verdict on a noisy machine. Names on the command line choose parts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '../support/cli.ts';
import { benchEvaluate } from './evaluate.ts';
import { benchGeneratorMemory, benchGenerators } from './generators.ts';
import { benchK6Client, MAX_RATIO, renderK6ClientRows } from './k6-client.ts';
import { benchWatching } from './watching.ts';

const PARTS: Readonly<Record<string, () => Promise<string>>> = {
  k6: async () =>
    `client CPU of k6 per request against a bare k6 post of the same message (target: at most ${MAX_RATIO} x)\n${renderK6ClientRows(await benchK6Client())}`,
  generators: async () =>
    `generators against plain faker, rows/s\n${JSON.stringify(benchGenerators(), null, 1)}\nmemory\n${JSON.stringify(benchGeneratorMemory(), null, 1)}`,
  evaluate: async () =>
    `evaluation (target: 10 M samples within 30 s and 1.5 GiB)\n${JSON.stringify(await benchEvaluate(), null, 1)}`,
  watching: async () =>
    `CPU of the lab\n${(await benchWatching()).map(({ what, coresUsed }) => `  ${what.padEnd(40)} ${coresUsed.toFixed(3)} cores`).join('\n')}`,
  demo: benchDemo,
};

async function benchDemo(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'peakproof-bench-'));
  try {
    const startedAt = performance.now();
    const { exitCode } = await runCli(['demo', '--json'], { cwd: dir, timeoutMs: 600_000 });
    return `demo with what is cached (target: at most 4 min on 2 cores): ${((performance.now() - startedAt) / 1_000).toFixed(0)} s, exit ${exitCode}`;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in PARTS));
if (unknown.length > 0) {
  console.error(`no bench named ${unknown.join(', ')}; there are ${Object.keys(PARTS).join(', ')}`);
  process.exitCode = 3;
} else {
  for (const [name, part] of Object.entries(PARTS)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    console.log(`\n== ${name} ==\n${await part()}`);
  }
}
