/**
 * From a run folder to its evaluation. Nothing but the folder is read, no clock, no chance: the same folder gives the same
 * evaluation. DuckDB answers whatever grows with the load; the judging is plain functions over its figures.
 */
import type { AnalysisPort } from '../clients/duckdb.ts';
import type {
  DataLossSummary,
  Evaluation,
  ObjectiveResult,
  PhaseFigures,
  RecoveryBracket,
  ScalingSummary,
  ScenarioSummary,
} from '../model/evaluation.ts';
import type { ObjectiveSpec, ScenarioSpec } from '../model/plan.ts';
import { judgeAttainment } from './attainment.ts';
import { judgeAutoscaling } from './autoscaling.ts';
import { observationGaps } from './autoscaling-looks.ts';
import { backLevel } from './autoscaling-parts.ts';
import { judgedLoadSteps } from './autoscaling-step.ts';
import { judgeDataLoss } from './data-loss.ts';
import { attainmentFigures, callFigures, demandOfScenario, demandOfService, type LoadCounts, loadCounts } from './figures.ts';
import { applyGuards, judgeGuards } from './guards.ts';
import { type CutFile, type History, serviceOf } from './history.ts';
import { judgeInvariant } from './invariant.ts';
import { type LedgerFigures, LISTED_KEYS, loadLedger } from './ledger.ts';
import { buildHistory } from './phases.ts';
import { judgeRecovery } from './recovery.ts';
import { adviseRightsizing } from './rightsizing.ts';
import { readRunRecords } from './run-folder.ts';
import { loadSamples } from './samples.ts';
import { judgeSlo } from './slo.ts';
import { buildTimeline } from './timeline.ts';
import { mergeVerdicts } from './verdict.ts';

/** @throws HarnessError ERR_RUN_FOLDER when the folder is damaged: file, line and way out are in it. */
export async function evaluateRun(runDir: string, { duckdb }: { readonly duckdb: AnalysisPort }): Promise<Evaluation> {
  const history = buildHistory(await readRunRecords(runDir, duckdb));
  const cutSamples = await loadSamples(runDir, history, duckdb);
  const { figures: ledger, cut: cutLedger } = await loadLedger(runDir, history, duckdb);
  const cutFiles = [...history.cutFiles, ...cutSamples, ...(cutLedger === null ? [] : [cutLedger])];
  const counts = await loadCounts(duckdb);
  const guards = judgeGuards(history, counts);
  const objectives: ObjectiveResult[] = [];
  const recoveries: RecoveryBracket[] = [];
  const autoscaling: ScalingSummary[] = [];
  for (const objective of history.plan.objectives) {
    const { result, bracket, scaling = null } = await judge(objective, history, ledger, duckdb);
    if (bracket !== null) recoveries.push(bracket);
    if (scaling !== null) autoscaling.push(scaling);
    objectives.push(withCutFiles(applyGuards(result, guards), cutFiles));
  }
  const { plan, environment } = history;
  const rightsizing = adviseRightsizing(history, guards, autoscaling);
  return {
    schemaVersion: 1,
    runId: environment.runId,
    verdict: mergeVerdicts(objectives.map((objective) => objective.verdict)),
    objectives,
    plan: { name: plan.name, description: plan.description, digest: environment.planDigest, seed: plan.seed },
    startedAt: history.startedAt,
    endedAt: history.endedAt,
    interrupted: history.interrupted,
    aborted: history.aborted,
    undoOpen: openUndo(history),
    guards: guards.map(({ id, held, reason, objectives: ids }) => ({ id, held, reason, objectives: ids })),
    phases: history.phases,
    faults: history.faults,
    recoveries,
    ...(autoscaling.length === 0 ? {} : { autoscaling }),
    ...(rightsizing === null ? {} : { rightsizing }),
    gaps: observationGaps(history),
    scenarios: plan.load.scenarios.map((scenario) => summarizeScenario(scenario, counts, history)),
    dataLoss: ledger.services.map(summarizeLedger),
    invariants: ledger.invariants.map(({ invariant, checked, violations }) => ({ invariant, checked, violations })),
    loadSteps: judgedLoadSteps(history),
    timeline: await buildTimeline(history, duckdb),
    environment,
  };
}

interface Judged {
  readonly result: ObjectiveResult;
  readonly bracket: RecoveryBracket | null;
  readonly scaling?: ScalingSummary | null;
}

async function judge(objective: ObjectiveSpec, history: History, ledger: LedgerFigures, duckdb: AnalysisPort): Promise<Judged> {
  const { scenarios } = history.plan.load;
  switch (objective.kind) {
    case 'slo':
      return { result: judgeSlo(objective, await callFigures(objective, duckdb), history), bracket: null };
    case 'attainment':
      return { result: judgeAttainment(objective, await attainmentFigures(objective, duckdb), history), bracket: null };
    case 'recovery':
      return judgeRecovery(objective, await demandOfService(objective.service, scenarios, duckdb), history);
    case 'data-loss':
      return { result: judgeDataLoss(objective, ledger, history), bracket: null };
    case 'invariant':
      return { result: judgeInvariant(objective, ledger), bracket: null };
    case 'autoscaling': {
      const demand = await demandOfScenario(objective.scenario, backLevel(objective, history).withinMs, duckdb);
      return { ...judgeAutoscaling(objective, demand, history), bracket: null };
    }
  }
}

const RESTS_ON = {
  slo: /^load\//,
  attainment: /^load\//,
  recovery: /^(probes|journal|load\/)/,
  'data-loss': /^ledger/,
  invariant: /^ledger/,
  autoscaling: /^(observations|load\/)/,
} as const satisfies Record<ObjectiveSpec['kind'], RegExp>;

/** A cut last line is tolerated, and told wherever an objective rests on that file. */
function withCutFiles(result: ObjectiveResult, cutFiles: readonly CutFile[]): ObjectiveResult {
  const own = cutFiles.filter(({ file }) => RESTS_ON[result.kind].test(file));
  return own.length === 0 ? result : { ...result, evidence: [...result.evidence, ...own] };
}

function openUndo(history: History): Evaluation['undoOpen'] {
  const closed = new Set(history.undo.flatMap((record) => (record.state === 'closed' ? [record.id] : [])));
  return history.undo.flatMap((record) =>
    record.state === 'open' && !closed.has(record.id) ? [{ id: record.id, fault: record.fault, action: record.action }] : [],
  );
}

function summarizeScenario(scenario: ScenarioSpec, counts: readonly LoadCounts[], history: History): ScenarioSummary {
  const phases = history.phases.flatMap(({ phase, startAt, endAt }): readonly PhaseFigures[] => {
    const own = counts.find((count) => count.scenario === scenario.id && count.phase === phase);
    if (own === undefined) return [];
    const seconds = (endAt - startAt) / 1000;
    return [
      {
        phase,
        scheduled: own.started + own.dropped,
        dropped: own.dropped,
        interrupted: Math.max(0, own.started - own.finished),
        ok: own.ok,
        fail: own.fail,
        unknown: own.unknown,
        p50Ms: own.p50Ms,
        p95Ms: own.p95Ms,
        p99Ms: own.p99Ms,
        perSecond: seconds > 0 ? Math.round((own.ok / seconds) * 1000) / 1000 : 0,
      },
    ];
  });
  return { scenario: scenario.id, loadClass: scenario.loadClass, service: serviceOf(scenario), phases };
}

function summarizeLedger(found: LedgerFigures['services'][number]): DataLossSummary {
  const { service, acknowledged, unknown, unknownThatHappened, lostKeys, duplicatedKeys, readBacks } = found;
  return {
    service,
    acknowledged,
    unknown,
    unknownThatHappened,
    lostKeys: lostKeys.slice(0, LISTED_KEYS),
    duplicatedKeys: duplicatedKeys.slice(0, LISTED_KEYS),
    readBacks,
  };
}
