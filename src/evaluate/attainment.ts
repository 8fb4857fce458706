/** Objective `attainment`: journeys answered correctly within the service level, out of all that were scheduled. */
import type { ObjectiveResult } from '../model/evaluation.ts';
import type { AttainmentObjectiveSpec } from '../model/plan.ts';
import { missingPhases, notEnough } from './evidence.ts';
import type { AttainmentFigures } from './figures.ts';
import { type History, serviceOf } from './history.ts';
import { meets, type Part, resultOf } from './verdict.ts';
import { formatMs, formatRatio } from './wording.ts';

export function judgeAttainment(
  objective: AttainmentObjectiveSpec,
  figures: AttainmentFigures,
  history: History,
): ObjectiveResult {
  const scenario = history.plan.load.scenarios.find((candidate) => candidate.id === objective.scenario);
  const { started, dropped, finished, ok, attained } = figures;
  const scheduled = started + dropped;
  const interrupted = Math.max(0, started - finished);
  return resultOf(objective, [missingPhases(attainmentPart(objective, figures), objective.phases, history)], {
    service: scenario === undefined ? 'platform' : serviceOf(scenario),
    evidence: [
      {
        text:
          `${attained} of ${scheduled} scheduled journeys were ok within ${formatMs(objective.withinMs)}; ` +
          `${dropped} dropped, ${interrupted} interrupted, ${finished - ok} not ok, ${ok - attained} too slow`,
        file: 'load/*/samples.csv',
      },
    ],
    details: [
      { name: 'scheduled', value: scheduled },
      { name: 'attained', value: attained },
      { name: 'too slow', value: ok - attained },
      { name: 'not ok', value: finished - ok },
      { name: 'interrupted', value: interrupted },
      { name: 'dropped', value: dropped },
    ],
  });
}

function attainmentPart(objective: AttainmentObjectiveSpec, { started, dropped, attained }: AttainmentFigures): Part {
  const scheduled = started + dropped;
  const base = { name: 'attainment', target: objective.minRatio, unit: 'ratio', direction: 'at-least' } as const;
  const lacking = notEnough(base, scheduled, objective.minSamples, 'scheduled journeys');
  if (lacking !== null) return lacking;
  // A journey that began within a millisecond of a phase boundary may be counted as started before it and as ended after it.
  const measured = Math.min(1, attained / scheduled);
  return {
    ...base,
    measured,
    verdict: meets(measured, objective.minRatio, 'at-least') ? 'pass' : 'fail',
    reason:
      `${formatRatio(measured)} of ${scheduled} scheduled journeys were ok within ${formatMs(objective.withinMs)}, ` +
      `wanted ${formatRatio(objective.minRatio)}`,
  };
}
