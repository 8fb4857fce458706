/** Objective `slo`: latency percentile or error share of single calls. */
import type { ObjectiveResult } from '../model/evaluation.ts';
import type { Plan, SloObjectiveSpec } from '../model/plan.ts';
import { missingPhases, notEnough } from './evidence.ts';
import type { CallFigures } from './figures.ts';
import { type History, serviceOf } from './history.ts';
import { meets, type Part, resultOf } from './verdict.ts';
import { formatMs, formatRatio } from './wording.ts';

export function judgeSlo(objective: SloObjectiveSpec, figures: CallFigures, history: History): ObjectiveResult {
  const part = objective.indicator.metric === 'latency' ? latencyPart(objective, figures) : errorPart(objective, figures);
  const { calls, ok, fail, unknown } = figures;
  return resultOf(objective, [missingPhases(part, objective.phases, history)], {
    service: serviceOfSelector(objective, history.plan),
    evidence: [{ text: `${calls} calls: ${ok} ok, ${fail} failed, ${unknown} unknown`, file: 'load/*/samples.csv' }],
    details: [
      { name: 'calls', value: calls },
      { name: 'ok', value: ok },
      { name: 'failed', value: fail },
      { name: 'unknown', value: unknown },
      { name: 'longest call', value: figures.longestMs, unit: 'ms' },
    ],
  });
}

/** A call that was not answered ok counts as slower than any other: fast failures must not flatter a percentile. */
function latencyPart(objective: SloObjectiveSpec, figures: CallFigures): Part {
  if (objective.indicator.metric !== 'latency') throw new Error('not a latency objective');
  const { percentile, maxMs } = objective.indicator;
  const base = { name: `p${percentile}`, target: maxMs, unit: 'ms', direction: 'at-most' } as const;
  const lacking = notEnough(base, figures.calls, objective.minSamples, 'calls');
  if (lacking !== null) return lacking;
  const { percentileMs, longestMs, calls, ok } = figures;
  if (percentileMs === null) {
    return {
      ...base,
      measured: longestMs,
      censored: true,
      verdict: 'fail',
      reason: `p${percentile} cannot be reached: only ${formatRatio(ok / calls)} of ${calls} calls were answered ok`,
    };
  }
  const met = meets(percentileMs, maxMs, 'at-most');
  return {
    ...base,
    measured: percentileMs,
    verdict: met ? 'pass' : 'fail',
    reason: `p${percentile} of ${calls} calls was ${formatMs(percentileMs)}, allowed ${formatMs(maxMs)}`,
  };
}

/** Failed and unknown calls both count: whoever waited for an unknown one got no answer. */
function errorPart(objective: SloObjectiveSpec, figures: CallFigures): Part {
  if (objective.indicator.metric !== 'error-ratio') throw new Error('not an error-ratio objective');
  const { maxRatio } = objective.indicator;
  const base = { name: 'error ratio', target: maxRatio, unit: 'ratio', direction: 'at-most' } as const;
  const lacking = notEnough(base, figures.calls, objective.minSamples, 'calls');
  if (lacking !== null) return lacking;
  const measured = (figures.calls - figures.ok) / figures.calls;
  return {
    ...base,
    measured,
    verdict: meets(measured, maxRatio, 'at-most') ? 'pass' : 'fail',
    reason: `${formatRatio(measured)} of ${figures.calls} calls were not answered ok, allowed ${formatRatio(maxRatio)}`,
  };
}

function serviceOfSelector(objective: SloObjectiveSpec, plan: Plan): ObjectiveResult['service'] {
  if (objective.service !== undefined) return objective.service;
  const scenario = plan.load.scenarios.find((candidate) => candidate.id === objective.scenario);
  return scenario === undefined ? 'platform' : serviceOf(scenario);
}
