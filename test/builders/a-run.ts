/**
 * Small runs for the judges. All instants are seconds from the start of the run; `history()` gives what the pure judges take,
 * `writeRun()` the same as a run folder.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { History, RunRecords } from '../../src/evaluate/history.ts';
import { buildHistory } from '../../src/evaluate/phases.ts';
import type { BusinessService, FlashSaleSpec, ObjectiveSpec, Plan } from '../../src/model/plan.ts';
import type {
  EnvironmentRecord,
  JournalEvent,
  LedgerRow,
  Observation,
  Outcome,
  ProbeRecord,
  RunnerRecord,
  UndoRecord,
} from '../../src/model/run-records.ts';

export const START = Date.UTC(2026, 10, 27, 9, 0, 0);
export const RUN_ID = '20261127-090000-test-0001';
export const at = (seconds: number): number => START + Math.round(seconds * 1000);

/** Warm-up 0-10 s, baseline 10-70, disturbance 70-130, recovery 130-190, settle 190-200. */
export const PHASE_STARTS = { 'warm-up': 0, baseline: 10, disturbance: 70, recovery: 130, settle: 190 } as const;
export const END = 200;

export interface RunSketch {
  readonly plan: Plan;
  readonly environment: EnvironmentRecord;
  readonly journal: readonly JournalEvent[];
  readonly undo: readonly UndoRecord[];
  readonly probes: readonly ProbeRecord[];
  readonly observations: readonly Observation[];
  readonly ledger: readonly LedgerRow[];
  /** Lines of samples.csv after the header. */
  readonly samples: readonly string[];
  readonly runner: RunnerRecord | null;
}

export const flashSale: FlashSaleSpec = {
  kind: 'flash-sale',
  id: 'flash',
  loadClass: 'user',
  startAtMs: 0,
  timeoutMs: 60_000,
  maxVus: 50,
  stages: [
    { ratePerSecond: 2, durationMs: 10_000 },
    { ratePerSecond: 2, durationMs: 60_000 },
    { ratePerSecond: 6, durationMs: 10_000 },
    { ratePerSecond: 6, durationMs: 50_000 },
    { ratePerSecond: 2, durationMs: 60_000 },
  ],
  zipfExponent: 1,
  maxLines: 3,
  cancelRatio: 0,
  retryRatio: 0,
  patienceMs: 10_000,
};

export function aPlan(changes: Partial<Plan> = {}): Plan {
  return {
    schemaVersion: 1,
    name: 'test',
    description: 'a run for tests',
    seed: 1,
    target: { kind: 'odoo', url: 'http://127.0.0.1:8069', database: 'peak', login: 'admin', password: { env: 'X' } },
    guard: { contexts: [], namespaces: [], hosts: ['127.0.0.1'], databases: ['peak'] },
    dataset: { products: 10, categories: 1, customers: 5, stores: 1, tillsPerStore: 1, openingStock: 10, hotProducts: 1 },
    phases: { warmUpMs: 10_000, baselineMs: 60_000, disturbanceMs: 60_000, recoveryMs: 60_000, settleMs: 10_000 },
    load: { scenarios: [flashSale] },
    probes: [{ service: 'order-capture', intervalMs: 500, timeoutMs: 60_000, slowMs: 1_000 }],
    observeIntervalMs: 1_000,
    faults: [],
    abort: [],
    guards: { maxDroppedBaselineRatio: 0.01, minDeliveredRatio: 0.95, maxBadBaselineRatio: 0.05, minBaselineProbes: 20 },
    objectives: [],
    ...changes,
  };
}

/** A healthy run: 2 journeys/s of 100 ms, a good probe of 20 ms twice a second, no objective. */
export function aRun(changes: Partial<RunSketch> = {}): RunSketch {
  return {
    plan: aPlan(),
    environment: anEnvironment(),
    journal: aJournal(),
    undo: [],
    probes: steadyProbes(),
    observations: [],
    ledger: [],
    samples: steadyJourneys(),
    runner: aRunner(),
    ...changes,
  };
}

export function withObjectives(run: RunSketch, ...objectives: readonly ObjectiveSpec[]): RunSketch {
  return { ...run, plan: { ...run.plan, objectives } };
}

/** Adds a crash of the database at `seconds`, with what the journal says of it. */
export function withFault(
  run: RunSketch,
  id: string,
  seconds: number,
  { proven = true, injected = true }: { readonly proven?: boolean; readonly injected?: boolean } = {},
): RunSketch {
  const kind = 'postgres/failover';
  const base = { fault: id, kind };
  const events: JournalEvent[] = [
    { at: at(seconds - 1), type: 'fault-planned', ...base, target: 'primary', blastRadius: 'one of two members' },
    ...(injected
      ? ([
          { at: at(seconds), type: 'fault-injected', ...base, detail: 'killed' },
          {
            at: at(seconds + 5),
            type: 'fault-proven',
            fault: id,
            proven,
            evidence: [proven ? 'timeline 1 to 2' : 'timeline still 1'],
          },
          { at: at(seconds + 6), type: 'fault-ended', fault: id, detail: '' },
          { at: at(seconds + 7), type: 'fault-reverted', fault: id, complete: true, detail: '' },
        ] as const)
      : []),
  ];
  return {
    ...run,
    plan: {
      ...run.plan,
      faults: [
        ...run.plan.faults,
        { id, kind, mode: 'crash', atMs: (seconds - 70) * 1000, proveWithinMs: 60_000, revertWithinMs: 60_000 },
      ],
    },
    journal: [...run.journal, ...events].toSorted((a, b) => a.at - b.at),
  };
}

export function aJournal(): readonly JournalEvent[] {
  const phases = Object.entries(PHASE_STARTS).map(([phase, seconds]) => ({
    at: at(seconds),
    type: 'phase-started' as const,
    phase: phase as keyof typeof PHASE_STARTS,
  }));
  return [
    { at: START, type: 'run-started', plan: 'test' },
    ...phases,
    { at: at(191), type: 'load-ended', runner: 'local', exitCode: 0, detail: '' },
    { at: at(END), type: 'run-ended', detail: '' },
  ];
}

export function anEnvironment(): EnvironmentRecord {
  return {
    schemaVersion: 1,
    runId: RUN_ID,
    harnessVersion: '0.1.0',
    nodeVersion: '24.0.0',
    k6Version: '2.2.0',
    host: { platform: 'linux', cpus: 2, memoryBytes: 1e9 },
    seed: 1,
    planDigest: 'sha256:0',
    target: { kind: 'odoo', url: 'http://127.0.0.1:8069', database: 'peak', version: '18.0' },
    clockOffsets: [],
  };
}

export function aRunner(changes: Partial<RunnerRecord> = {}): RunnerRecord {
  return {
    schemaVersion: 1,
    runner: 'local',
    startedAt: START,
    endedAt: at(191),
    exitCode: 0,
    signal: null,
    k6Version: '2.2.0',
    planned: [{ scenario: 'flash', iterations: 380 }],
    scriptErrors: 0,
    ...changes,
  };
}

export type Span = readonly [fromSeconds: number, untilSeconds: number];

export interface ProbePattern {
  readonly service?: BusinessService;
  readonly everyMs?: number;
  readonly span?: Span;
  /** Probes sent in these spans fail. */
  readonly bad?: readonly Span[];
  /** Probes sent in these spans are not sent at all. */
  readonly silent?: readonly Span[];
  readonly latencyMs?: (seconds: number) => number;
}

export function steadyProbes(pattern: ProbePattern = {}): readonly ProbeRecord[] {
  const { service = 'order-capture', everyMs = 500, span = [0, 190], bad = [], silent = [], latencyMs = () => 20 } = pattern;
  const probes: ProbeRecord[] = [];
  for (let ms = span[0] * 1000; ms < span[1] * 1000; ms += everyMs) {
    const seconds = ms / 1000;
    const within = ([from, until]: Span): boolean => seconds >= from && seconds < until;
    if (silent.some(within)) continue;
    const outcome: Outcome = bad.some(within) ? 'fail' : 'ok';
    probes.push(aProbe(seconds, { service, outcome, latencyMs: latencyMs(seconds) }));
  }
  return probes;
}

export function aProbe(seconds: number, changes: Partial<ProbeRecord> = {}): ProbeRecord {
  const outcome = changes.outcome ?? 'ok';
  const latencyMs = changes.latencyMs ?? 20;
  return {
    service: 'order-capture',
    key: `probe-${seconds}`,
    scheduledAt: at(seconds),
    sentAt: at(seconds),
    answeredAt: at(seconds) + latencyMs,
    latencyMs,
    outcome,
    good: outcome === 'ok' && latencyMs <= 1_000,
    ...changes,
  };
}

export const CSV_HEADER =
  'metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,proto,scenario,service,status,subproto,tls_version,url,extra_tags,metadata';

interface SampleTags {
  readonly scenario?: string;
  readonly service?: string;
  readonly tags?: string;
  readonly metadata?: string;
}

/** One line as k6 writes it; `endSeconds` is its timestamp. */
export function sampleLine(
  metric: string,
  endSeconds: number,
  value: number,
  { scenario = 'flash', service = 'order-capture', tags = '', metadata = '' }: SampleTags = {},
): string {
  const us = START * 1000 + Math.round(endSeconds * 1e6);
  return `${metric},${us},${value.toFixed(6)},,,,,,,,,${scenario},${service},,,,,${tags},${metadata}`;
}

export interface JourneyPattern {
  readonly scenario?: string;
  readonly service?: string;
  readonly perSecond?: number;
  readonly span?: Span;
  readonly outcome?: (seconds: number) => Outcome | 'dropped' | 'interrupted';
  readonly ms?: (seconds: number) => number;
}

/** Journeys of one call each. */
export function steadyJourneys(pattern: JourneyPattern = {}): readonly string[] {
  const { scenario = 'flash', service = 'order-capture', perSecond = 2, span = [0, 190], ms = () => 100 } = pattern;
  const lines: string[] = [];
  const count = Math.round((span[1] - span[0]) * perSecond);
  for (let i = 0; i < count; i += 1) {
    const seconds = span[0] + i / perSecond;
    const outcome = pattern.outcome?.(seconds) ?? 'ok';
    if (outcome === 'dropped') {
      lines.push(sampleLine('dropped_iterations', seconds, 1, { scenario, service: '' }));
      continue;
    }
    lines.push(sampleLine('journey_started', seconds, 1, { scenario, service, tags: 'load_class=user&journey=checkout' }));
    if (outcome === 'interrupted') continue;
    lines.push(callLine(seconds, ms(seconds), outcome, { scenario, service }));
    const tags =
      i % 2 === 0 ? `outcome=${outcome}&load_class=user&journey=checkout` : `journey=checkout&outcome=${outcome}&load_class=user`;
    lines.push(sampleLine('journey_duration', seconds + ms(seconds) / 1000, ms(seconds), { scenario, service, tags }));
    lines.push(sampleLine('iterations', seconds + ms(seconds) / 1000, 1, { scenario, service: '' }));
  }
  return lines;
}

export function callLine(
  sentSeconds: number,
  ms: number,
  outcome: Outcome,
  tags: SampleTags & { readonly step?: string } = {},
): string {
  const step = tags.step ?? 'create';
  return sampleLine('odoo_call', sentSeconds + ms / 1000, ms, {
    ...tags,
    tags: `step=${step}&outcome=${outcome}&load_class=user&journey=checkout&model=sale.order&effect=${step}&fault=`,
  });
}

/** For the pure judges: no ledger, no samples. */
export function history(run: RunSketch = aRun()): History {
  const records: RunRecords = {
    plan: run.plan,
    environment: run.environment,
    journal: run.journal,
    undo: run.undo,
    probes: run.probes,
    observations: run.observations,
    runners: [{ runner: 'local', record: run.runner, hasSamples: true }],
    hasLedger: true,
    cutFiles: [],
  };
  return buildHistory(records);
}

export async function writeRun(dir: string, run: RunSketch = aRun()): Promise<void> {
  await mkdir(join(dir, 'load', 'local'), { recursive: true });
  const json = (name: string, value: unknown): Promise<void> => writeFile(join(dir, name), `${JSON.stringify(value, null, 2)}\n`);
  const ndjson = (file: string, rows: readonly unknown[]): Promise<void> => {
    const lines = [{ schemaVersion: 1, file, runId: run.environment.runId }, ...rows].map((row) => `${JSON.stringify(row)}\n`);
    return writeFile(join(dir, `${file}.ndjson`), lines.join(''));
  };
  await json('plan.json', run.plan);
  await json('environment.json', run.environment);
  await ndjson('journal', run.journal);
  await ndjson('undo', run.undo);
  await ndjson('probes', run.probes);
  await ndjson('observations', run.observations);
  await ndjson('ledger', run.ledger);
  if (run.runner !== null) await json('load/local/runner.json', run.runner);
  await writeFile(join(dir, 'load', 'local', 'samples.csv'), `${[CSV_HEADER, ...run.samples].join('\n')}\n`);
}
