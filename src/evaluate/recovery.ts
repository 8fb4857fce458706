/**
 * Objective `recovery`: from the fault to the service being back, as probes and load experienced it. The rule, word for word, is
 * in `docs/reference/measurement.md`; finding the moments is in `recovery-window.ts`.
 */
import type { FaultWindow, ObjectiveResult, RecoveryBracket } from '../model/evaluation.ts';
import type { RecoveryObjectiveSpec } from '../model/plan.ts';
import { inconclusive, type PartBase } from './evidence.ts';
import type { DemandSecond } from './figures.ts';
import type { History } from './history.ts';
import { phaseNamed } from './phases.ts';
import { recoveryBound } from './recovery-bound.ts';
import {
  baselineLevel,
  findMoments,
  MIN_COVERAGE_RATIO,
  type Moments,
  probesBetween,
  type ServiceWindow,
} from './recovery-window.ts';
import { meets, type Part, resultOf } from './verdict.ts';
import { formatMs } from './wording.ts';

export interface RecoveryJudgement {
  readonly result: ObjectiveResult;
  readonly bracket: RecoveryBracket | null;
}

/** What ended the time in which this recovery could be watched. */
type CutBy = 'end' | 'next-fault' | 'interruption';

/** `demand`: of the service's loads, by second. */
export function judgeRecovery(
  objective: RecoveryObjectiveSpec,
  demand: readonly DemandSecond[],
  history: History,
): RecoveryJudgement {
  const base = { name: 'recovery time', target: objective.maxRecoveryMs, unit: 'ms', direction: 'at-most' } as const;
  const without = (reason: string): RecoveryJudgement => ({
    result: resultOf(objective, [inconclusive(base, reason)], { service: objective.service, evidence: [] }),
    bracket: null,
  });
  const fault = history.faults.find((candidate) => candidate.fault === objective.fault);
  if (fault === undefined) return without(`the plan has no fault ${objective.fault}`);
  if (fault.injectedAt === null) return without(`the fault ${objective.fault} was never injected`);
  const spec = history.plan.probes.find((candidate) => candidate.service === objective.service);
  if (spec === undefined) return without(`the plan has no probe of ${objective.service}`);
  const baseline = phaseNamed(history.phases, 'baseline');
  if (baseline === undefined) return without('the run never came to its baseline');
  const probes = history.probes.filter((probe) => probe.service === objective.service);
  const level = baselineLevel(probes, demand, baseline);
  if (level === null) return without(`no probe of ${objective.service} was answered ok in the baseline`);
  const fromAt = fault.injectedAt;
  const { untilAt, cutBy } = judgedUntil(fromAt, history);
  const window: ServiceWindow = {
    fromAt,
    untilAt,
    probes: probesBetween(probes, fromAt, untilAt),
    inFlightBad: probes.filter((probe) => probe.sentAt < fromAt && probe.answeredAt > fromAt && !probe.good),
    demand,
    level,
    intervalMs: spec.intervalMs,
  };
  const moments = findMoments(objective, window, attributedUntil(objective, fault));
  const bracket = bracketOf(objective, moments, window, history);
  const part = judgeMoments(base, bracket, moments, window, cutBy);
  return { result: resultOf(objective, [part], contextOf(objective, bracket, moments, window)), bracket };
}

/** Until the next fault, or the settling when the load has ended: probes of a run that is shutting down say nothing. */
function judgedUntil(fromAt: number, history: History): { readonly untilAt: number; readonly cutBy: CutBy } {
  const settleAt = phaseNamed(history.phases, 'settle')?.startAt ?? history.endedAt;
  const later = history.faults.flatMap(({ injectedAt }) => (injectedAt !== null && injectedAt > fromAt ? [injectedAt] : []));
  const nextAt = Math.min(...later);
  if (nextAt < settleAt) return { untilAt: nextAt, cutBy: 'next-fault' };
  const whole = !history.interrupted && history.aborted === null;
  return { untilAt: Math.max(fromAt, settleAt), cutBy: whole ? 'end' : 'interruption' };
}

function attributedUntil(objective: RecoveryObjectiveSpec, fault: FaultWindow): number {
  const lastsUntil = Math.max(fault.injectedAt ?? 0, fault.endedAt ?? 0);
  return lastsUntil + Math.max(objective.maxRecoveryMs, objective.holdMs);
}

function bracketOf(objective: RecoveryObjectiveSpec, moments: Moments, window: ServiceWindow, history: History): RecoveryBracket {
  const { impactAt, firstOkAt, recoveredAt } = moments;
  const unharmed = impactAt === null && recoveredAt !== null && recoveredAt === window.probes[0]?.sentAt;
  const backAt = unharmed ? window.fromAt : recoveredAt;
  return {
    service: objective.service,
    fault: objective.fault,
    injectedAt: window.fromAt,
    impactAt,
    firstOkAt,
    recoveredAt: backAt,
    recoveryMs: backAt === null ? null : backAt - window.fromAt,
    errorBarMs: Math.max(window.intervalMs, moments.gapMs),
    censored: backAt === null,
    bound: recoveryBound(
      history.plan.faults.find((fault) => fault.id === objective.fault),
      history.environment,
    ),
  };
}

function judgeMoments(base: PartBase, bracket: RecoveryBracket, moments: Moments, window: ServiceWindow, cutBy: CutBy): Part {
  const { recoveryMs, errorBarMs } = bracket;
  const watchedUntil = Math.min(window.untilAt, Math.max(bracket.recoveredAt ?? window.untilAt, window.fromAt + base.target));
  const due = Math.floor((watchedUntil - window.fromAt) / window.intervalMs);
  const sent = probesBetween(window.probes, window.fromAt, watchedUntil).length;
  if (sent === 0 || sent < due * MIN_COVERAGE_RATIO) {
    return inconclusive(base, `only ${sent} of ${due} probes were sent after the fault`);
  }
  if (recoveryMs === null) return judgeCensored(base, bracket, window, cutBy);
  const met = meets(recoveryMs, base.target, 'at-most');
  const compared = `${formatMs(recoveryMs)} (± ${formatMs(errorBarMs)}), allowed ${formatMs(base.target)}`;
  const near = Math.abs(recoveryMs - base.target) < errorBarMs ? '; the target is within the error bar' : '';
  const flapped = moments.relapses > 0 ? `, after ${moments.relapses} relapse${moments.relapses > 1 ? 's' : ''}` : '';
  const reason =
    bracket.impactAt !== null
      ? `recovered after ${compared}${flapped}${near}`
      : recoveryMs === 0
        ? `no impact was seen: no probe was bad (one every ${formatMs(window.intervalMs)}), and throughput and p95 held`
        : `no probe was bad, but throughput and p95 were back only after ${compared}${near}`;
  return { ...base, measured: recoveryMs, errorBar: errorBarMs, verdict: met ? 'pass' : 'fail', reason };
}

/** The true time is longer than what could be watched. */
function judgeCensored(base: PartBase, bracket: RecoveryBracket, window: ServiceWindow, cutBy: CutBy): Part {
  const watchedMs = window.untilAt - window.fromAt;
  const part = { ...base, measured: watchedMs, errorBar: bracket.errorBarMs, censored: true } as const;
  const seen = bracket.firstOkAt === null ? 'no good probe was seen' : 'good probes came back, but never for long enough';
  if (bracket.impactAt === null && watchedMs < base.target) {
    return {
      ...part,
      verdict: 'inconclusive',
      reason: `only ${formatMs(watchedMs)} after the fault were watched, too short to tell`,
    };
  }
  if (watchedMs < base.target && cutBy !== 'end') {
    const why = cutBy === 'next-fault' ? 'the next fault came' : 'the run was stopped';
    return { ...part, verdict: 'inconclusive', reason: `not recovered when ${why} after ${formatMs(watchedMs)}; ${seen}` };
  }
  return { ...part, verdict: 'fail', reason: `not recovered within the ${formatMs(watchedMs)} that were watched; ${seen}` };
}

function contextOf(objective: RecoveryObjectiveSpec, bracket: RecoveryBracket, moments: Moments, window: ServiceWindow) {
  const { level } = window;
  const bad = window.probes.filter((probe) => !probe.good).length;
  const since = (at: number | null): number | null => (at === null ? null : at - bracket.injectedAt);
  const outageMs = bracket.impactAt === null || bracket.recoveredAt === null ? null : bracket.recoveredAt - bracket.impactAt;
  return {
    service: objective.service,
    evidence: [
      { text: `${window.probes.length} probes after the fault, ${bad} bad`, file: 'probes.ndjson' },
      ...(moments.isolatedBad > 0
        ? [
            {
              text: `${moments.isolatedBad} single bad probes after the recovery are not counted as a relapse`,
              file: 'probes.ndjson',
            },
          ]
        : []),
    ],
    details: [
      { name: 'fault to impact', value: since(bracket.impactAt), unit: 'ms' },
      { name: 'fault to first ok', value: since(bracket.firstOkAt), unit: 'ms' },
      { name: 'outage seen by clients', value: outageMs, unit: 'ms' },
      { name: 'relapses', value: moments.relapses },
      { name: 'baseline p95 of probes', value: level.p95Ms, unit: 'ms' },
      { name: 'baseline share of journeys served', value: level.servedRatio, unit: 'ratio' },
      { name: 'configured bound', value: bracket.bound?.text ?? null },
    ],
  } as const;
}
