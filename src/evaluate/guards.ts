/** What has to hold for a run to say anything: load delivered, baseline sound, faults proven, watched, completed. */
import type { GuardResult, ObjectiveResult } from '../model/evaluation.ts';
import type { AutoscalingObjectiveSpec, ObjectiveSpec, ProbeSpec } from '../model/plan.ts';
import { hidingGaps, hpaLooks, readyLooks } from './autoscaling-looks.ts';
import { loadStep } from './autoscaling-step.ts';
import type { LoadCounts } from './figures.ts';
import type { History } from './history.ts';
import { eventsOf, phaseNamed } from './phases.ts';
import { probesBetween } from './recovery-window.ts';
import { formatMs, formatRatio } from './wording.ts';

export interface Guard extends GuardResult {
  /** True: a miss that was measured stays a miss; only a pass is withheld. */
  readonly keepsFailures: boolean;
}

export function judgeGuards(history: History, counts: readonly LoadCounts[]): readonly Guard[] {
  return [
    completed(history),
    loadDelivered(history, counts),
    baselineLoad(history, counts),
    ...history.plan.probes.map((probe) => baselineProbes(probe, history)),
    ...history.faults.map((fault) => faultProven(fault.fault, history)),
    ...observed(history),
  ];
}

/**
 * A guard that does not hold makes its objectives inconclusive. Lost writes and broken invariants stay a failure: they are harm
 * that was seen, however the run went.
 */
export function applyGuards(result: ObjectiveResult, guards: readonly Guard[]): ObjectiveResult {
  const broken = guards.filter(({ held, objectives }) => !held && (objectives.length === 0 || objectives.includes(result.id)));
  if (broken.length === 0) return result;
  const harmSeen = result.kind === 'data-loss' || result.kind === 'invariant' || broken.every((guard) => guard.keepsFailures);
  if (result.verdict === 'fail' && harmSeen) return result;
  // Each report has the list of preconditions with their reasons: told once there, not again in every objective.
  const why =
    broken.length === 1
      ? broken.map(({ reason }) => reason).join('')
      : `${broken.length} preconditions did not hold: ${broken.map(({ id }) => id).join(', ')}`;
  return { ...result, verdict: 'inconclusive', reason: `${why} (otherwise ${result.verdict}: ${result.reason})` };
}

function completed(history: History): Guard {
  const killed = eventsOf(history.journal, 'run-ended').length === 0;
  const reason = killed
    ? 'the run has no end in its journal: the harness was killed'
    : history.interrupted
      ? 'the run was interrupted'
      : history.aborted === null
        ? 'the run came to its end'
        : `the run was aborted: ${history.aborted}`;
  return {
    id: 'run-completed',
    held: !killed && !history.interrupted && history.aborted === null,
    reason,
    objectives: [],
    keepsFailures: true,
  };
}

/** k6's exit code 99 is a threshold of k6 itself, which says nothing here; every other means that the load is not whole. */
function loadDelivered(history: History, counts: readonly LoadCounts[]): Guard {
  const cutShort = history.interrupted || history.aborted !== null;
  const problems: string[] = [];
  if (history.runners.length === 0) problems.push('no load runner left anything');
  for (const { runner, record } of history.runners) {
    if (record === null) {
      if (!cutShort) problems.push(`runner ${runner} left no runner.json`);
      continue;
    }
    if (record.scriptErrors > 0) problems.push(`${record.scriptErrors} script errors in runner ${runner}`);
    const stopped = record.signal !== null || (record.exitCode !== 0 && record.exitCode !== 99);
    if (stopped && !cutShort)
      problems.push(`k6 of runner ${runner} ended with ${record.signal ?? `exit code ${record.exitCode}`}`);
  }
  const delivered: string[] = [];
  for (const { id } of history.plan.load.scenarios) {
    const planned = sum(history.runners, (runner) =>
      sum(runner.record?.planned ?? [], (p) => (p.scenario === id ? p.iterations : 0)),
    );
    const scheduled = sum(counts, (count) => (count.scenario === id ? count.started + count.dropped : 0));
    const text = `${id}: ${scheduled} of ${planned} planned iterations were scheduled`;
    delivered.push(text);
    const enough = planned > 0 && scheduled / planned >= history.plan.guards.minDeliveredRatio;
    if (!enough && !cutShort) problems.push(`${text}, need ${formatRatio(history.plan.guards.minDeliveredRatio)}`);
  }
  const held = problems.length === 0;
  const reason = held ? delivered.join('; ') : `the load was not delivered: ${problems.join('; ')}`;
  return { id: 'load-delivered', held, reason, objectives: [], keepsFailures: false };
}

function baselineLoad(history: History, counts: readonly LoadCounts[]): Guard {
  const guard = { id: 'baseline-load', objectives: [], keepsFailures: false } as const;
  const own = counts.filter((count) => count.phase === 'baseline');
  const scheduled = sum(own, (count) => count.started + count.dropped);
  const missed = sum(own, (count) => count.dropped + Math.max(0, count.started - count.finished));
  const { warmUpMs, baselineMs } = history.plan.phases;
  if (scheduled === 0) {
    const planned = history.plan.load.scenarios.some((scenario) => scenario.startAtMs < warmUpMs + baselineMs);
    const reason = planned ? 'no load ran in the baseline, although the plan has some' : 'the plan has no load in the baseline';
    return { ...guard, held: !planned, reason };
  }
  const ratio = missed / scheduled;
  const allowed = history.plan.guards.maxDroppedBaselineRatio;
  const text = `${formatRatio(ratio)} of ${scheduled} iterations of the baseline were dropped or interrupted, allowed ${formatRatio(allowed)}`;
  return { ...guard, held: ratio <= allowed, reason: text };
}

function baselineProbes({ service }: ProbeSpec, history: History): Guard {
  const guard = { id: `baseline-probes:${service}`, objectives: [], keepsFailures: false } as const;
  const baseline = phaseNamed(history.phases, 'baseline');
  const { minBaselineProbes, maxBadBaselineRatio } = history.plan.guards;
  const own = history.probes.filter((probe) => probe.service === service);
  const sent = baseline === undefined ? [] : probesBetween(own, baseline.startAt, baseline.endAt);
  const needed = Math.max(1, minBaselineProbes);
  if (sent.length < needed) {
    return { ...guard, held: false, reason: `the baseline has ${sent.length} probes of ${service}, need ${needed}` };
  }
  const bad = sent.filter((probe) => !probe.good).length;
  const text = `${bad} of ${sent.length} probes of ${service} were bad in the baseline, allowed ${formatRatio(maxBadBaselineRatio)}`;
  return { ...guard, held: bad / sent.length <= maxBadBaselineRatio, reason: text };
}

/**
 * Besides its recovery, a fault that did nothing takes away the meaning of 'no data lost' and of the service levels held while
 * it was meant to be in force.
 */
function faultProven(fault: string, history: History): Guard {
  const window = history.faults.find((candidate) => candidate.fault === fault);
  const guard = {
    id: `fault-proven:${fault}`,
    objectives: history.plan.objectives.filter((objective) => restsOnFault(objective, fault)).map((objective) => objective.id),
    keepsFailures: false,
  };
  const evidence = window === undefined || window.evidence.length === 0 ? '' : `: ${window.evidence.join('; ')}`;
  if (window === undefined || window.injectedAt === null) {
    return { ...guard, held: false, reason: `the fault ${fault} was never injected${evidence}` };
  }
  if (!window.proven)
    return { ...guard, held: false, reason: `the fault ${fault} could not be shown to have happened${evidence}` };
  return { ...guard, held: true, reason: `the fault ${fault} happened${evidence}` };
}

function restsOnFault(objective: ObjectiveSpec, fault: string): boolean {
  if (objective.kind === 'recovery') return objective.fault === fault;
  if (objective.kind === 'data-loss') return true;
  if (objective.kind === 'slo' || objective.kind === 'attainment') {
    return objective.phases.includes('disturbance') || objective.phases.includes('recovery');
  }
  return false;
}

/** Gaps in what an autoscaling objective had to see; one failed look is within its error bar. */
function observed(history: History): readonly Guard[] {
  return history.plan.objectives
    .filter((objective): objective is AutoscalingObjectiveSpec => objective.kind === 'autoscaling')
    .map((objective) => {
      const guard = { id: `observed:${objective.id}`, objectives: [objective.id], keepsFailures: false };
      const span = decisionSpan(objective, history);
      const inTheWay = hidingGaps(history, watchedSources(history)).filter(
        ({ fromAt, toAt }) => span !== null && fromAt < span.untilAt && toAt > span.fromAt,
      );
      const reason =
        inTheWay.length === 0
          ? 'the autoscaler was watched without a gap'
          : inTheWay
              .map(({ source, fromAt, toAt, reason }) => `${source} was not seen for ${formatMs(toAt - fromAt)}: ${reason}`)
              .join('; ');
      return { ...guard, held: inTheWay.length === 0, reason };
    });
}

/** Pods tell what is Ready only where the deployment is not watched. */
function watchedSources(history: History): readonly string[] {
  const deployment = history.observations.some(({ source }) => source === 'deployment');
  return deployment || !history.observations.some(({ source }) => source === 'pods') ? ['hpa', 'deployment'] : ['hpa', 'pods'];
}

/** From the load step until all was seen that a time is read from, or until the last limit. Null: no load step. */
function decisionSpan(objective: AutoscalingObjectiveSpec, history: History): { fromAt: number; untilAt: number } | null {
  const step = loadStep(objective.scenario, history);
  if (step === null) return null;
  const limitAt = step.at + Math.max(objective.maxDesiredMs, objective.maxReadyMs);
  const looks = hpaLooks(history);
  const before = looks.findLast(({ at }) => at < step.at);
  const risen = looks.find((look) => look.at >= step.at && before !== undefined && look.desiredReplicas > before.desiredReplicas);
  const needed = Math.max(objective.minReplicasReached, Math.min(risen?.desiredReplicas ?? 0, risen?.maxReplicas ?? 0));
  const ready = readyLooks(history).find((look) => look.at >= step.at && look.ready >= needed);
  const seenAt = risen === undefined || ready === undefined ? limitAt : Math.max(risen.at, ready.at);
  return { fromAt: step.at, untilAt: Math.min(limitAt, seenAt) };
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
