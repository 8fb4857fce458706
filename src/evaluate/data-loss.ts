/** Objective `data-loss`: acknowledged writes that both read-backs did not find, duplicates, and how far back the loss reaches. */
import type { Evidence, ObjectiveResult } from '../model/evaluation.ts';
import type { DataLossObjectiveSpec } from '../model/plan.ts';
import type { SplitBrain } from '../model/run-records.ts';
import { inconclusive } from './evidence.ts';
import type { History } from './history.ts';
import type { LedgerFigures, ServiceLedger } from './ledger.ts';
import { type Part, resultOf } from './verdict.ts';
import { formatMs } from './wording.ts';

export function judgeDataLoss(objective: DataLossObjectiveSpec, ledger: LedgerFigures, history: History): ObjectiveResult {
  const found = ledger.services.find((candidate) => candidate.service === objective.service);
  const windowMs = found === undefined ? null : lossWindowMs(found.lostAnsweredAt, injections(history));
  const split = splitBrains(objective.service, history);
  const evidence: readonly Evidence[] = [
    ...(found === undefined ? [] : [{ text: describe(found), file: 'ledger.ndjson' }]),
    ...split.map((one) => ({ text: tellSplitBrain(one), file: 'journal.ndjson' })),
  ];
  const parts = dataLossParts(objective, found, windowMs, gapsFor(objective.service, ledger));
  return resultOf(objective, [...parts, ...split.map((one) => splitBrainPart(objective, one))], {
    service: objective.service,
    evidence,
    details: [
      { name: 'acknowledged writes', value: found?.acknowledged ?? 0, unit: 'writes', target: objective.minWrites },
      { name: 'lost writes', value: found?.lost ?? null, unit: 'writes', target: objective.maxLostWrites },
      { name: 'duplicated', value: found?.duplicated ?? null, unit: 'writes', target: objective.maxDuplicates },
      { name: 'loss window', value: windowMs, unit: 'ms', target: objective.maxLossWindowMs },
      { name: 'unknown', value: found?.unknown ?? null, unit: 'writes' },
      { name: 'unknown that happened', value: found?.unknownThatHappened ?? null, unit: 'writes' },
      { name: 'not looked up twice', value: found?.unread ?? null, unit: 'writes' },
      { name: 'read-backs', value: found?.readBacks ?? 0 },
      ...split.flatMap((one) => [
        { name: 'two primaries at once', value: one.untilAt - one.fromAt, unit: 'ms', target: objective.maxSplitBrainMs ?? 0 },
        { name: 'lost writes of ours to the orphan', value: one.lostKeys.length, unit: 'writes' },
      ]),
    ],
  });
}

/** Of the database, so of every service whose writes end there. */
function splitBrains(service: DataLossObjectiveSpec['service'], history: History): readonly SplitBrain[] {
  if (service === 'session-store') return [];
  return history.faults.flatMap(({ splitBrain }) => (splitBrain === undefined ? [] : [splitBrain]));
}

/** Clients may have been kept away from the orphan; that it acknowledged what is lost was seen all the same. */
function splitBrainPart({ maxSplitBrainMs = 0 }: DataLossObjectiveSpec, seen: SplitBrain): Part {
  const measured = seen.untilAt - seen.fromAt;
  const base = { name: 'split brain', target: maxSplitBrainMs, unit: 'ms', direction: 'at-most' } as const;
  const part = limit(
    base,
    measured,
    `${seen.orphan} was a second primary for ${seen.censored ? 'at least ' : ''}${formatMs(measured)}`,
  );
  // One acknowledged write is a split brain, however short it was.
  const verdict = maxSplitBrainMs === 0 ? 'fail' : part.verdict;
  if (verdict === 'pass' && seen.censored) {
    return {
      ...part,
      censored: true,
      verdict: 'inconclusive',
      reason: `${part.reason}; it took writes still when the watch ended`,
    };
  }
  return { ...part, verdict, censored: seen.censored };
}

function tellSplitBrain({ orphan, primary, acknowledged, lostKeys }: SplitBrain): string {
  const keys = lostKeys.length === 0 ? '' : ` (${lostKeys[0]}${lostKeys.length > 1 ? ` to ${lostKeys.at(-1)}` : ''})`;
  return `split brain: ${orphan} acknowledged ${acknowledged} writes of the harness while ${primary} was the primary; ${lostKeys.length} of them are lost${keys}`;
}

function dataLossParts(
  objective: DataLossObjectiveSpec,
  found: ServiceLedger | undefined,
  windowMs: number | null,
  gaps: readonly string[],
): readonly [Part, ...Part[]] {
  const lost = { name: 'lost writes', target: objective.maxLostWrites, unit: 'writes', direction: 'at-most' } as const;
  if (found === undefined || found.acknowledged + found.unknown === 0) {
    return [inconclusive(lost, `no write of ${objective.service} is in the ledger`)];
  }
  const parts: [Part, ...Part[]] = [
    limit(lost, found.lost, `${found.lost} of ${found.acknowledged} acknowledged writes were lost`),
    limit(
      { ...lost, name: 'duplicates', target: objective.maxDuplicates },
      found.duplicated,
      `${found.duplicated} writes were there more than once`,
    ),
  ];
  if (windowMs !== null) {
    const base = { ...lost, name: 'loss window', target: objective.maxLossWindowMs, unit: 'ms' } as const;
    parts.push(limit(base, windowMs, `the loss reaches ${formatMs(windowMs)} back from the fault`));
  }
  const lacking = [
    ...(found.acknowledged < Math.max(1, objective.minWrites)
      ? [`only ${found.acknowledged} acknowledged writes, need ${Math.max(1, objective.minWrites)}`]
      : []),
    ...(found.unread > 0 ? [`${found.unread} acknowledged writes were not looked up twice`] : []),
    ...gaps,
  ];
  // What was seen to be lost stays lost, however much was not looked at.
  if (lacking.length > 0) parts.push(inconclusive(lost, lacking.join('; '), found.lost));
  return parts;
}

function limit(base: Omit<Part, 'measured' | 'verdict' | 'reason'>, measured: number, reason: string): Part {
  const met = measured <= base.target;
  const allowed = base.unit === 'ms' ? formatMs(base.target) : base.target;
  return { ...base, measured, verdict: met ? 'pass' : 'fail', reason: `${reason}, allowed ${allowed}` };
}

/**
 * How far back from its fault the loss reaches: injection minus acknowledgement of the oldest lost write, for the fault
 * nearest to each lost write; the largest. Null: nothing lost, or no fault to count from. Writes acknowledged after the
 * injection reach back 0.
 */
export function lossWindowMs(lostAnsweredAt: readonly number[], injectedAt: readonly number[]): number | null {
  if (lostAnsweredAt.length === 0 || injectedAt.length === 0) return null;
  let widest = 0;
  for (const at of lostAnsweredAt) {
    const nearest = injectedAt.reduce((best, candidate) => (Math.abs(candidate - at) < Math.abs(best - at) ? candidate : best));
    widest = Math.max(widest, nearest - at);
  }
  return widest;
}

function injections(history: History): readonly number[] {
  return history.faults.flatMap((fault) => (fault.injectedAt === null ? [] : [fault.injectedAt]));
}

const MODELS_OF = {
  'order-capture': 'sale.order',
  pos: 'pos.order',
  'financial-posting': 'account.move',
  'session-store': 'redis.session',
} as const;
const INVARIANT = /match|equals|one-invoice/;

/** A gap that names another model or service, or an invariant, is not about this one. */
function gapsFor(service: DataLossObjectiveSpec['service'], ledger: LedgerFigures): readonly string[] {
  const about = ledger.gaps.filter(({ what }) => {
    if (INVARIANT.test(what) || what.startsWith('invariant')) return false;
    const named = Object.entries(MODELS_OF).filter(
      ([name, model]) => what.includes(model) || new RegExp(`\\b${name}\\b`).test(what),
    );
    return named.length === 0 || named.some(([name]) => name === service);
  });
  return about.map(({ what, detail }) => `${what} could not be completed: ${detail}`);
}

function describe(found: ServiceLedger): string {
  return (
    `${found.acknowledged} acknowledged writes, ${found.lost} lost, ${found.duplicated} duplicated; ` +
    `${found.unknown} unknown, of which ${found.unknownThatHappened} happened; ${found.readBacks} read-backs`
  );
}
