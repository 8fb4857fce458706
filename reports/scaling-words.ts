/** The parts of a scale-up, the advice and the gaps, in words that every report shares. */
import type { Evaluation, ObservationGap, RightsizingAdvice, ScalingStage, ScalingSummary } from '../src/model/evaluation.ts';
import { formatDuration, formatError, formatValue } from './format.ts';

/** A later version may know further parts: those are shown by their own name. */
const STAGES: Readonly<Record<string, string>> = {
  metric: 'Metric delay: the load shows in the metric',
  decision: 'Decision: more replicas are wanted',
  scheduling: 'Scheduling: a pod has a node',
  start: 'Start: its containers run',
  readiness: 'Readiness: enough pods are Ready',
  'service-level-back': 'Service level back, from Ready on',
};

export function stageWords(name: ScalingStage['name']): string {
  return STAGES[name] ?? name;
}

/** `metric delay` of `Metric delay: the load shows ...`. */
export function stageShort(name: ScalingStage['name']): string {
  return (stageWords(name).split(/[:,]/)[0] ?? name).toLowerCase();
}

export function stageTook({ durationMs, resolutionMs }: ScalingStage): string {
  if (durationMs === null) return 'not seen';
  return resolutionMs === null
    ? formatDuration(durationMs)
    : `${formatDuration(durationMs)} ± ${formatError(resolutionMs, 'ms', durationMs)}`;
}

/** All of it on one line: `metric delay 7.9 s, decision 0 ms, ...`. */
export function stagesLine({ stages }: ScalingSummary): string {
  return stages
    .map((one) => `${stageShort(one.name)} ${one.durationMs === null ? 'not seen' : formatDuration(one.durationMs)}`)
    .join(', ');
}

export function adviceValue({ unit }: RightsizingAdvice, value: number | null): string {
  if (value === null) return '–';
  return formatValue(value, unit);
}

/** What is to be done: `keep 2`, `raise to 5`, `lower to 0.12 cores`, `no advice`. */
export function adviceDeed(one: RightsizingAdvice): string {
  if (one.advised === null) return 'no advice';
  const value = adviceValue(one, one.advised);
  if (one.current === null) return `set to ${value}`;
  if (one.advised === one.current) return `keep ${value}`;
  return `${one.advised > one.current ? 'raise' : 'lower'} to ${value}`;
}

export function gapWords({ source, fromAt, toAt, reason }: ObservationGap): string {
  return `${source} not seen for ${formatDuration(toAt - fromAt)}: ${reason}`;
}

export function gapsOf({ gaps }: Evaluation): readonly ObservationGap[] {
  return gaps ?? [];
}
