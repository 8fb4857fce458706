/** `peakproof import litmus`: adds the record of a fault that Litmus injected to a finished run, so that it can be judged. */
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describeResult, probeEvidence } from '../../../chaos/litmus/explain.ts';
import { openDuckDb } from '../../clients/duckdb.ts';
import { openNdjsonWriter } from '../../clients/ndjson.ts';
import { HarnessError } from '../../errors.ts';
import type { History } from '../../evaluate/history.ts';
import { buildHistory } from '../../evaluate/phases.ts';
import { readRunRecords } from '../../evaluate/run-folder.ts';
import type { LitmusExternalSpec } from '../../model/plan.ts';
import type { JournalEvent } from '../../model/run-records.ts';
import { RUN_FILES, writeText } from '../../run/run-folder.ts';
import { type ExportedRun, readExport } from './read-export.ts';
import { type SeenWindow, seenBetween } from './seen-window.ts';

export interface ImportOptions {
  /** Path of the exported file. */
  readonly file: string;
  readonly runDir: string;
  /** Id of a `litmus/external` fault of the plan; absent: its only one. */
  readonly fault?: string;
  /** Which engine, when the export has several runs of the experiment. */
  readonly engine?: string;
  /** ISO times of the cluster's clock, for exports that do not tell them. */
  readonly fromServerAt?: number;
  readonly untilServerAt?: number;
  readonly now: number;
}

export interface Imported {
  readonly fault: string;
  readonly proven: boolean;
  readonly injectedAt: number;
  readonly endedAt: number;
  readonly evidence: readonly string[];
}

/** Litmus writes whole seconds, and so does the API server's clock that ours is compared with. */
const CLOCK_SLACK_MS = 2_000;

/** @throws HarnessError ERR_USAGE, ERR_RUN_FOLDER or ERR_LITMUS; nothing has been written then. */
export async function importLitmus(options: ImportOptions): Promise<Imported> {
  const text = await readFile(options.file, 'utf8').catch((cause: unknown) => {
    throw new HarnessError(
      'ERR_USAGE',
      `cannot read ${options.file}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  });
  const runs = readExport(text, options.file);
  const history = await readHistory(options.runDir);
  const spec = chooseFault(history, options.fault);
  const run = chooseRun(runs, spec, options);
  const span = spanOf(run, history, options);
  const seen = seenBetween(history.observations, span.fromAt, span.untilAt);
  const digest = createHash('sha256').update(text).digest('hex');
  const imported = judge(spec, run, span, seen, `${basename(options.file)} (SHA-256 ${digest.slice(0, 12)})`);
  const kept = join('imports', `${spec.id}-${digest.slice(0, 12)}.json`);
  await mkdir(join(options.runDir, 'imports'), { recursive: true });
  await writeText(join(options.runDir, kept), text);
  await append(options.runDir, eventsOf(spec, run, imported, seen, { at: options.now, kept }));
  return imported;
}

async function readHistory(runDir: string): Promise<History> {
  const duckdb = await openDuckDb();
  try {
    return buildHistory(await readRunRecords(runDir, duckdb));
  } finally {
    await duckdb.close();
  }
}

function chooseFault(history: History, id: string | undefined): LitmusExternalSpec {
  const external = history.plan.faults.filter((fault): fault is LitmusExternalSpec => fault.kind === 'litmus/external');
  const known = external.map((fault) => fault.id).join(', ') || 'none';
  const spec = id === undefined && external.length === 1 ? external[0] : external.find((fault) => fault.id === id);
  if (spec === undefined)
    throw new HarnessError(
      'ERR_USAGE',
      id === undefined
        ? `the plan of this run leaves ${external.length} faults to Litmus (${known}); say which with --fault ID`
        : `"${id}" is no fault of kind litmus/external in the plan of this run (it has: ${known})`,
      { hint: 'a plan leaves a fault to Litmus with kind: litmus/external' },
    );
  const window = history.faults.find(({ fault }) => fault === spec.id);
  if (window?.injectedAt !== null && window !== undefined)
    throw new HarnessError('ERR_USAGE', `the fault "${spec.id}" already has its record in this run`, {
      hint: 'a record is added once; take a fresh copy of the run folder to add another one',
    });
  return spec;
}

function chooseRun(runs: readonly ExportedRun[], spec: LitmusExternalSpec, { engine, file }: ImportOptions): ExportedRun {
  const fitting = runs.filter((run) => run.experiment === spec.experiment && (engine === undefined || run.engine === engine));
  const [run] = fitting;
  if (run !== undefined && fitting.length === 1) return run;
  const told = runs.map((one) => `${one.place}: ${one.experiment} of engine ${one.engine ?? '?'}`).join('; ');
  throw new HarnessError(
    'ERR_USAGE',
    fitting.length === 0
      ? `${file} holds no run of ${spec.experiment}${engine === undefined ? '' : ` of engine ${engine}`}; it holds ${told}`
      : `${file} holds ${fitting.length} runs of ${spec.experiment}; say which with --engine NAME: ${told}`,
  );
}

interface Span {
  readonly fromAt: number;
  readonly untilAt: number;
}

/** In the harness's clock, wide enough for whole seconds, and within the run. */
function spanOf(run: ExportedRun, history: History, { fromServerAt, untilServerAt }: ImportOptions): Span {
  const offsetMs = history.environment.clockOffsets.find(({ source }) => source === 'kubernetes')?.offsetMs ?? 0;
  const from = fromServerAt ?? run.fromServerAt;
  if (from === null)
    throw new HarnessError('ERR_USAGE', `${run.place} does not tell when the experiment began: its result is of a repeated run`, {
      hint: 'export the ChaosEngine with it, or give --from TIME (and --until TIME) of the cluster',
    });
  const until = untilServerAt ?? run.untilServerAt;
  const fromAt = from - offsetMs - CLOCK_SLACK_MS;
  const untilAt = until === null ? history.endedAt : until - offsetMs + CLOCK_SLACK_MS;
  if (untilAt < history.startedAt || fromAt > history.endedAt || untilAt <= fromAt) {
    const words = (at: number) => new Date(at).toISOString();
    throw new HarnessError(
      'ERR_USAGE',
      `the experiment lasted from ${words(fromAt)} to ${words(untilAt)}, the run from ${words(history.startedAt)} to ${words(history.endedAt)}`,
      { hint: 'take the export of the experiment that ran meanwhile' },
    );
  }
  return { fromAt, untilAt };
}

function judge(spec: LitmusExternalSpec, run: ExportedRun, span: Span, seen: SeenWindow, source: string): Imported {
  const litmus = [describeResult(run.result), ...probeEvidence(run.result), `imported from ${source}, ${run.place}`];
  if (spec.proof === 'result') {
    const ran = run.result.verdict === 'Pass' || run.result.verdict === 'Fail';
    const evidence = ["by Litmus' word alone (this plan asks for no other proof), from its begin to its end", ...litmus];
    return { fault: spec.id, proven: ran, injectedAt: span.fromAt, endedAt: span.untilAt, evidence };
  }
  const [first] = seen.losses;
  const last = seen.losses.at(-1);
  if (first === undefined || last === undefined)
    throw new HarnessError(
      'ERR_LITMUS',
      `no pod was seen going while the experiment lasted (${seen.looks} looks of the run's observers at the pods of the plan's deployment): ${describeResult(run.result)}`,
      { hint: 'an experiment that replaces no pods needs proof: result in the plan' },
    );
  const byAutoscaler = seen.scaledIn > 0 && seen.scaledIn >= seen.losses.length;
  return {
    fault: spec.id,
    proven: !byAutoscaler,
    injectedAt: first.afterAt,
    endedAt: last.seenAt,
    evidence: [
      `gone: ${seen.losses.map(({ name, uid }) => `${name} (${uid})`).join(', ')}`,
      `${seen.replacements.length} of ${seen.losses.length} replacements ready${seen.replacements.length === 0 ? '' : `: ${seen.replacements.join(', ')}`}`,
      ...(byAutoscaler
        ? [`the workload was scaled in by ${seen.scaledIn} meanwhile: that may be why these pods went, not Litmus`]
        : []),
      ...litmus,
    ],
  };
}

/** The same events that a fault of the run's own leaves. */
function eventsOf(
  spec: LitmusExternalSpec,
  run: ExportedRun,
  imported: Imported,
  seen: SeenWindow,
  { at, kept }: { readonly at: number; readonly kept: string },
): readonly JournalEvent[] {
  const { id: fault, kind } = spec;
  const { injectedAt, endedAt, proven, evidence } = imported;
  const engine = `engine ${run.engine ?? '?'}`;
  const taken = seen.losses.map(({ name }) => name);
  const detail =
    spec.proof === 'result'
      ? `${engine}: ${run.experiment} ran`
      : `${engine}: ${run.experiment} took ${taken.length} pods: ${taken.join(', ')}`;
  const back = seen.replacedAt;
  return [
    {
      at: injectedAt,
      type: 'fault-planned',
      fault,
      kind,
      target: `pods ${spec.selector}, by ${run.experiment} from outside`,
      blastRadius: 'not limited by Peakproof',
    },
    { at: injectedAt, type: 'fault-injected', fault, kind, detail },
    { at: endedAt, type: 'fault-ended', fault, detail: `${detail}; ${describeResult(run.result)}` },
    { at, type: 'fault-proven', fault, proven, evidence },
    ...(back === null && spec.proof !== 'result'
      ? []
      : [
          {
            at: back ?? endedAt,
            type: 'fault-reverted' as const,
            fault,
            complete: true,
            detail: back === null ? 'nothing of ours to undo' : 'nothing of ours to undo; as many pods ready as before',
          },
        ]),
    { at, type: 'harness-event', detail: `imported the record of fault ${fault} from ${kept}` },
  ];
}

async function append(runDir: string, events: readonly JournalEvent[]): Promise<void> {
  const journal = await openNdjsonWriter<JournalEvent>(join(runDir, RUN_FILES.journal), null);
  try {
    for (const event of events) await journal.write(event);
    await journal.flush({ durable: true });
  } finally {
    await journal.close();
  }
}
