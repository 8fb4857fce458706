/** Reads the small files of a run folder and refuses a damaged one, naming file and line. */
import type { z } from 'zod';
import type { AnalysisPort } from '../clients/duckdb.ts';
import { HarnessError } from '../errors.ts';
import type { Plan } from '../model/plan.ts';
import type {
  EnvironmentRecord,
  JournalEvent,
  Observation,
  ProbeRecord,
  RunnerRecord,
  UndoRecord,
} from '../model/run-records.ts';
import type { CutFile, RunnerFolder, RunRecords } from './history.ts';
import * as shape from './records.ts';

const WAY_OUT = 'the run folder is damaged; restore it from a copy or repeat the run';

/** `line` 0: the whole file. */
export function damaged(path: string, line: number, what: string, hint = WAY_OUT): HarnessError {
  return new HarnessError('ERR_RUN_FOLDER', `${path}${line > 0 ? `:${line}` : ''} ${what}`, { hint });
}

/**
 * Files that a run which came to its end must have are required; a killed run may lack those it had not come to.
 * @throws HarnessError ERR_RUN_FOLDER
 */
export async function readRunRecords(runDir: string, files: AnalysisPort): Promise<RunRecords> {
  const cutFiles: CutFile[] = [];
  const plan = (await readJson(runDir, 'plan.json', shape.resolvedPlan, files)) as unknown as Plan;
  const environment = (await readJson(
    runDir,
    'environment.json',
    shape.environmentRecord,
    files,
  )) as unknown as EnvironmentRecord;
  const read = async <T>(file: shape.NdjsonFile, schema: z.ZodType, required: boolean): Promise<readonly T[]> => {
    const path = `${runDir}/${file}.ndjson`;
    const text = await files.readText(path);
    if (text === null) {
      if (required) throw damaged(path, 0, 'is missing');
      return [];
    }
    return parseNdjson<T>(path, text, { file, runId: environment.runId, schema, onCut: (cut) => cutFiles.push(cut) });
  };
  const journal = await read<JournalEvent>('journal', shape.journalEvent, true);
  const ended = journal.some((event) => event.type === 'run-ended');
  const injected = journal.some((event) => event.type === 'fault-injected');
  const watched = plan.kubernetes !== undefined || plan.postgres !== undefined || plan.redis !== undefined;
  const undo = await read<UndoRecord>('undo', shape.undoRecord, injected);
  const probes = await read<ProbeRecord>('probes', shape.probeRecord, ended && plan.probes.length > 0);
  const observations = await read<Observation>('observations', shape.observationRecord, ended && watched);
  const ledgerPath = `${runDir}/ledger.ndjson`;
  const hasLedger = (await files.inspect(ledgerPath)) !== null;
  const judgesLedger = plan.objectives.some(({ kind }) => kind === 'data-loss' || kind === 'invariant');
  if (!hasLedger && ended && judgesLedger) throw damaged(ledgerPath, 0, 'is missing');
  return {
    plan,
    environment,
    journal,
    undo,
    probes: probes.toSorted((a, b) => a.sentAt - b.sentAt || (a.key < b.key ? -1 : 1)),
    observations: observations.toSorted((a, b) => a.at - b.at),
    runners: await readRunners(runDir, journal, files),
    hasLedger,
    cutFiles,
  };
}

async function readRunners(
  runDir: string,
  journal: readonly JournalEvent[],
  files: AnalysisPort,
): Promise<readonly RunnerFolder[]> {
  const folders = await files.listFolders(`${runDir}/load`);
  for (const event of journal) {
    if (event.type === 'load-ended' && !folders.includes(event.runner)) {
      throw damaged(`${runDir}/load/${event.runner}`, 0, 'is missing, although the journal says that this runner ended');
    }
  }
  const runners: RunnerFolder[] = [];
  for (const runner of folders) {
    const path = `load/${runner}/runner.json`;
    const hasRecord = (await files.inspect(`${runDir}/${path}`)) !== null;
    const hasSamples = (await files.inspect(`${runDir}/load/${runner}/samples.csv`)) !== null;
    if (hasRecord && !hasSamples) throw damaged(`${runDir}/load/${runner}/samples.csv`, 0, 'is missing');
    const record = hasRecord ? await readJson(runDir, path, shape.runnerRecord, files) : null;
    runners.push({ runner, hasSamples, record: record as unknown as RunnerRecord | null });
  }
  return runners;
}

async function readJson<S extends z.ZodType>(runDir: string, name: string, schema: S, files: AnalysisPort): Promise<z.infer<S>> {
  const path = `${runDir}/${name}`;
  const text = await files.readText(path);
  if (text === null) throw damaged(path, 0, 'is missing', 'give the folder of one run, for example runs/latest');
  const value = parseJson(text);
  if (value === undefined) throw damaged(path, 0, 'is not whole JSON');
  checkVersion(path, value);
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw damaged(path, 0, describeIssue(parsed.error));
  return parsed.data;
}

export interface NdjsonReading {
  readonly file: shape.NdjsonFile;
  readonly runId: string;
  readonly schema: z.ZodType;
  readonly onCut: (cut: CutFile) => void;
}

/** Records after the header. A cut last line (no newline, no whole JSON) is told to `onCut`; anything else wrong throws. */
export function parseNdjson<T>(path: string, text: string, reading: NdjsonReading): readonly T[] {
  const lines = text.split('\n');
  const rest = lines.pop() ?? '';
  checkHeader(path, lines[0] ?? rest, reading);
  const records: T[] = [];
  const take = (line: string, number: number): boolean => {
    const value = parseJson(line);
    if (value === undefined) return false;
    const parsed = reading.schema.safeParse(value);
    if (!parsed.success) throw damaged(path, number, describeIssue(parsed.error));
    records.push(value as T);
    return true;
  };
  for (let i = 1; i < lines.length; i += 1) {
    const line = lines[i] ?? '';
    if (line !== '' && !take(line, i + 1)) throw damaged(path, i + 1, 'is no JSON');
  }
  if (lines.length > 0 && rest !== '' && !take(rest, lines.length + 1)) {
    reading.onCut(cutFile(`${reading.file}.ndjson`, lines.length + 1));
  }
  return records;
}

export function cutFile(file: string, line: number): CutFile {
  return { file, text: `line ${line} of ${file} was cut (the writer was killed) and left out` };
}

export function checkHeader(path: string, line: string, expected: { readonly file: string; readonly runId: string }): void {
  const value = parseJson(line);
  if (value === undefined) throw damaged(path, 1, line === '' ? 'is empty: the header is missing' : 'is no JSON header');
  checkVersion(path, value);
  const header = shape.fileHeader.safeParse(value);
  if (!header.success || header.data.file !== expected.file)
    throw damaged(path, 1, `is not the header of a ${expected.file} file`);
  if (header.data.runId !== expected.runId) {
    throw damaged(
      path,
      1,
      `belongs to run ${header.data.runId}, the folder to run ${expected.runId}`,
      'files of two runs were mixed',
    );
  }
}

function checkVersion(path: string, value: unknown): void {
  const version = typeof value === 'object' && value !== null && 'schemaVersion' in value ? value.schemaVersion : undefined;
  if (version === 1) return;
  throw damaged(
    path,
    0,
    `has schemaVersion ${JSON.stringify(version)}; 1 is known here`,
    'use the version of peakproof that wrote this run',
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function describeIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  const place = issue === undefined || issue.path.length === 0 ? 'the record' : issue.path.join('.');
  return `is no record of its kind: ${place}: ${issue?.message ?? 'wrong'}`;
}
