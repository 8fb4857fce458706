/**
 * What people export from Litmus, read and checked: a ChaosResult, a ChaosEngine, a list of both (`kubectl get ... -o json`), or an
 * experiment run of ChaosCenter. JSON or YAML. Every problem is told with its place. Pure.
 */
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { type ResultView, toEngineView, toResultView, valueAt } from '../../../chaos/litmus/read-objects.ts';
import type { ApiObject } from '../../clients/ports.ts';
import { HarnessError, type Problem } from '../../errors.ts';

export interface ExportedRun {
  /** Where it stands in the file: `items[1]`, `nodes.run-chaos-123`. */
  readonly place: string;
  readonly engine: string | null;
  readonly experiment: string;
  readonly result: ResultView;
  /** Of the cluster's clock, whole seconds; null: the export does not tell. */
  readonly fromServerAt: number | null;
  readonly untilServerAt: number | null;
}

type Path = readonly (string | number)[];
interface Found {
  readonly path: Path;
  readonly value: unknown;
}

const time = z.string().refine((text) => readTime(text) !== null, { error: 'is no time (ISO 8601 or seconds since 1970)' });
const metadata = z.looseObject({
  name: z.string().min(1),
  uid: z.string().optional(),
  creationTimestamp: time.optional(),
  labels: z.record(z.string(), z.string()).optional(),
});
const chaosResult = z.looseObject({
  metadata,
  spec: z.looseObject({ engine: z.string().optional(), experiment: z.string().min(1) }),
  status: z.looseObject({
    experimentStatus: z.looseObject({ phase: z.string().min(1), verdict: z.string().min(1) }),
    history: z.looseObject({ passedRuns: z.int(), failedRuns: z.int(), stoppedRuns: z.int() }).optional(),
  }),
});
const chaosEngine = z.looseObject({
  metadata: metadata.extend({ uid: z.string().min(1), creationTimestamp: time }),
  status: z.looseObject({
    engineStatus: z.string(),
    experiments: z
      .array(z.looseObject({ name: z.string(), status: z.string(), verdict: z.string(), lastUpdateTime: time }))
      .min(1),
  }),
});
const node = z.looseObject({
  startedAt: time,
  finishedAt: time,
  chaosData: z.looseObject({ engineName: z.string().min(1), chaosResult: chaosResult.nullish() }),
});

/** @throws HarnessError ERR_USAGE with every problem of the file. */
export function readExport(text: string, name: string): readonly ExportedRun[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const at = (path: Path): string => {
    for (let depth = path.length; depth >= 0; depth--) {
      const range = rangeOf(document.getIn(path.slice(0, depth), true));
      if (range === undefined) continue;
      const { line, col } = lines.linePos(range);
      return `${name}:${line}:${col}${path.length === 0 ? '' : ` ${formatPath(path)}`}`;
    }
    return `${name} ${formatPath(path)}`;
  };
  if (document.errors.length > 0) {
    fail(
      name,
      document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return { at: `${name}:${line}:${col}`, message: error.message.split('\n')[0] ?? error.message };
      }),
    );
  }
  const problems: Problem[] = [];
  const runs = readAny({ path: [], value: document.toJS() }, (path, message) => problems.push({ at: at(path), message }));
  if (problems.length === 0 && runs.length === 0)
    problems.push({
      at: name,
      message: 'holds no ChaosResult, no ChaosEngine and no experiment run of ChaosCenter',
      hint: 'export with: kubectl get chaosengine,chaosresult -o json, or save the answer of getExperimentRun',
    });
  if (problems.length > 0) fail(name, problems);
  return runs;
}

type Complain = (path: Path, message: string) => void;

function readAny({ path, value }: Found, complain: Complain): readonly ExportedRun[] {
  const run = experimentRun({ path, value }, complain);
  if (run !== null) return run;
  const items = valueAt(value, 'items');
  const found = Array.isArray(items)
    ? items.map((item, index) => ({ path: [...path, 'items', index], value: item as unknown }))
    : [{ path, value }];
  const engines = found.filter((item) => valueAt(item.value, 'kind') === 'ChaosEngine' && sound(chaosEngine, item, complain));
  const results = found.filter((item) => valueAt(item.value, 'kind') === 'ChaosResult' && sound(chaosResult, item, complain));
  const paired = new Set<Found>();
  const fromEngines = engines.map((engine) => {
    const uid = toEngineView(engine.value as ApiObject).uid;
    const result = results.find((item) => toResultView(item.value as ApiObject).chaosUid === uid);
    if (result !== undefined) paired.add(result);
    return fromEngine(engine, result);
  });
  return [...fromEngines, ...results.filter((item) => !paired.has(item)).map(fromResult)];
}

/** `data.getExperimentRun`, an experiment run with its `executionData` (a JSON text), or that itself. */
function experimentRun({ path, value }: Found, complain: Complain): readonly ExportedRun[] | null {
  const wrapped = valueAt(value, 'data.getExperimentRun') ?? valueAt(value, 'getExperimentRun');
  if (wrapped !== undefined)
    return experimentRun({ path: [...path, 'data', 'getExperimentRun'], value: wrapped }, complain) ?? [];
  const execution = valueAt(value, 'executionData');
  if (typeof execution === 'string') {
    try {
      return experimentRun({ path: [...path, 'executionData'], value: JSON.parse(execution) }, complain) ?? [];
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      complain([...path, 'executionData'], `is no JSON text: ${error.message}`);
      return [];
    }
  }
  if (typeof execution === 'object' && execution !== null)
    return experimentRun({ path: [...path, 'executionData'], value: execution }, complain);
  const nodes = valueAt(value, 'nodes');
  if (typeof nodes !== 'object' || nodes === null) return null;
  return Object.entries(nodes).flatMap(([key, step]) => {
    const item = { path: [...path, 'nodes', key], value: step as unknown };
    if (valueAt(step, 'chaosData') === undefined || valueAt(step, 'chaosData') === null) return [];
    return sound(node, item, complain) ? fromNode(item, complain) : [];
  });
}

function sound(schema: z.ZodType, { path, value }: Found, complain: Complain): boolean {
  const parsed = schema.safeParse(value);
  for (const issue of parsed.error?.issues ?? [])
    complain(
      [...path, ...(issue.path as Path)],
      issue.code === 'invalid_type' && issue.input === undefined ? 'is missing' : lower(issue.message),
    );
  return parsed.success;
}

function fromEngine({ path, value }: Found, result: Found | undefined): ExportedRun {
  const engine = toEngineView(value as ApiObject);
  const [experiment] = (valueAt(value, 'status.experiments') as readonly unknown[] | undefined) ?? [];
  const told = { phase: engine.experiment?.status ?? '', verdict: engine.experiment?.verdict ?? '' };
  return {
    place: formatPath(path) || 'the file',
    engine: engine.name,
    experiment: engine.experiment?.name ?? '',
    result: result === undefined ? bareResult(engine.name, engine.uid, told) : toResultView(result.value as ApiObject),
    fromServerAt: engine.createdServerAt,
    untilServerAt: readTime(valueAt(experiment, 'lastUpdateTime')),
  };
}

/** The result of a re-run keeps the creation time of the first run, so only a first run tells when it began. */
function fromResult({ path, value }: Found): ExportedRun {
  const result = toResultView(value as ApiObject);
  const runs = ['passedRuns', 'failedRuns', 'stoppedRuns'].reduce(
    (sum, key) => sum + Number(valueAt(value, `status.history.${key}`) ?? 0),
    0,
  );
  return {
    place: formatPath(path) || 'the file',
    engine: result.engine,
    experiment: result.experiment ?? '',
    result,
    fromServerAt: runs <= 1 ? result.createdServerAt : null,
    untilServerAt: null,
  };
}

function fromNode({ path, value }: Found, complain: Complain): readonly ExportedRun[] {
  const data = valueAt(value, 'chaosData');
  const text = (...keys: readonly string[]): string | null => {
    const found = keys.map((key) => valueAt(data, key)).find((part) => typeof part === 'string' && part !== '');
    return typeof found === 'string' ? found : null;
  };
  const inner = valueAt(data, 'chaosResult');
  const own = typeof inner === 'object' && inner !== null ? toResultView(inner as ApiObject) : null;
  const experiment = text('experimentName', 'faultName') ?? own?.experiment ?? null;
  const verdict = text('experimentVerdict', 'faultVerdict') ?? own?.verdict ?? null;
  if (experiment === null) complain([...path, 'chaosData', 'experimentName'], 'is missing');
  if (verdict === null) complain([...path, 'chaosData', 'experimentVerdict'], 'is missing');
  if (experiment === null || verdict === null) return [];
  const engine = text('engineName');
  const told = { phase: text('experimentStatus', 'faultStatus') ?? '', verdict, probeSuccess: text('probeSuccessPercentage') };
  const bare = bareResult(engine ?? '', text('engineUID') ?? '', told);
  return [
    {
      place: formatPath(path),
      engine,
      experiment,
      result: own ?? { ...bare, error: errorOf(text('failStep')) },
      fromServerAt: readTime(valueAt(value, 'startedAt')),
      untilServerAt: readTime(valueAt(value, 'finishedAt')),
    },
  ];
}

function errorOf(failStep: string | null): ResultView['error'] {
  return failStep === null ? null : { code: 'ERROR', reason: failStep };
}

function bareResult(
  engine: string,
  chaosUid: string,
  told: { readonly phase: string; readonly verdict: string; readonly probeSuccess?: string | null },
): ResultView {
  return {
    name: engine,
    uid: '',
    engine,
    experiment: null,
    jobName: null,
    chaosUid,
    probeSuccess: null,
    error: null,
    probes: [],
    targets: [],
    createdServerAt: null,
    ...told,
  };
}

/** ISO 8601, or seconds or milliseconds since 1970 as ChaosCenter writes them; null for anything else. */
export function readTime(value: unknown): number | null {
  if (typeof value !== 'string' || value === '') return null;
  if (/^\d{9,11}$/.test(value)) return Number(value) * 1_000;
  if (/^\d{12,14}$/.test(value)) return Number(value);
  const at = /^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:?\d{2})$/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

function rangeOf(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null || !('range' in value)) return undefined;
  return Array.isArray(value.range) && typeof value.range[0] === 'number' ? value.range[0] : undefined;
}

function formatPath(path: Path): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`)).join('');
}

function lower(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

function fail(name: string, problems: readonly Problem[]): never {
  throw new HarnessError(
    'ERR_USAGE',
    `${name} cannot be imported: ${problems.length} problem${problems.length === 1 ? '' : 's'}`,
    {
      problems,
      hint: 'mend each place named, or export it again',
    },
  );
}
