/** What was seen of an autoscaler and its pods: looks, rescales hidden in a gap, conditions as they changed, events. */
import type { ObservationGap } from '../model/evaluation.ts';
import type { Observation } from '../model/run-records.ts';
import type { HpaLook, PodsLook } from './autoscaling-metric.ts';
import type { History } from './history.ts';
import { eventsOf } from './phases.ts';

/** A report that lists more than this is no help; the records have all. */
const LISTED = 40;

export interface Dated {
  readonly at: number;
  readonly text: string;
}

export interface ReadyLook {
  readonly at: number;
  readonly ready: number;
}

export function hpaLooks(history: History): readonly HpaLook[] {
  return history.observations.filter((look): look is HpaLook => look.source === 'hpa');
}

export function podsLooks(history: History): readonly PodsLook[] {
  return history.observations.filter((look): look is PodsLook => look.source === 'pods');
}

/** The deployment says it itself; where it is not watched, the pods that are Ready and not going away. */
export function readyLooks(history: History): readonly ReadyLook[] {
  const deployment = history.observations.flatMap((look) =>
    look.source === 'deployment' ? [{ at: look.at, ready: look.readyReplicas }] : [],
  );
  if (deployment.length > 0) return deployment;
  return podsLooks(history).map((look) => ({ at: look.at, ready: look.pods.filter((pod) => pod.ready && !pod.deleting).length }));
}

export function observationGaps(history: History): readonly ObservationGap[] {
  return eventsOf(history.journal, 'observer-gap').map(({ source, fromAt, at, detail, trouble }) => ({
    source,
    fromAt,
    toAt: at,
    reason: detail,
    ...(trouble === undefined ? {} : { trouble }),
  }));
}

/** One failed look, or a late one, is within the error of a time that is read from looks. */
export function hidingGaps(history: History, sources: readonly string[]): readonly ObservationGap[] {
  const longest = 2 * history.plan.observeIntervalMs;
  return observationGaps(history).filter(({ source, fromAt, toAt }) => sources.includes(source) && toAt - fromAt > longest);
}

/** Of the API server to the harness's clock; a moment of the server is half a second later than its text, which is cut. */
export function fromServerClock(serverAt: number, history: History): number {
  return serverAt + 500 - serverOffsetMs(history);
}

/** The offset is read from whole seconds: less than that cannot be told from none. */
export function serverOffsetMs({ environment }: History): number {
  const offsetMs = environment.clockOffsets.find(({ source }) => source === 'kubernetes')?.offsetMs ?? 0;
  return Math.abs(offsetMs) < 1_000 ? 0 : offsetMs;
}

/** Wanted replicas over time. Inside a gap they come from the autoscaler's own events, which outlive it. */
export function desiredOverTime(looks: readonly HpaLook[], history: History): readonly { at: number; desired: number }[] {
  const gaps = hidingGaps(history, ['hpa']);
  const name = looks[0]?.name ?? '';
  const hidden = autoscalerEvents(name, history).flatMap((event) => {
    const size = event.reason === 'SuccessfulRescale' ? /^New size: (\d+)/.exec(event.message)?.[1] : undefined;
    const at = fromServerClock(event.serverAt, history);
    const gap = gaps.find(({ fromAt, toAt }) => at > fromAt - 1_000 && at < toAt);
    return size === undefined || gap === undefined ? [] : [{ at: Math.max(at, gap.fromAt), desired: Number(size) }];
  });
  const seen = looks.map(({ at, desiredReplicas }) => ({ at, desired: desiredReplicas }));
  return hidden.length === 0 ? seen : [...seen, ...hidden].toSorted((a, b) => a.at - b.at);
}

type EventLook = Extract<Observation, { readonly source: 'events' }>;

function autoscalerEvents(name: string, history: History): readonly EventLook[] {
  return history.observations.filter(
    (look): look is EventLook => look.source === 'events' && look.object === `HorizontalPodAutoscaler/${name}`,
  );
}

export function eventsOfAutoscaler(name: string, history: History): readonly Dated[] {
  return autoscalerEvents(name, history)
    .map(({ serverAt, reason, message, count }) => ({
      at: fromServerClock(serverAt, history),
      text: `${reason}${count > 1 ? ` (${count} times)` : ''}: ${message}`,
    }))
    .slice(0, LISTED);
}

/** The first look's conditions, then each time one of them said something else. */
export function conditionChanges(looks: readonly HpaLook[]): readonly Dated[] {
  const last = new Map<string, string>();
  const changes: Dated[] = [];
  for (const { at, conditions } of looks) {
    for (const { type, status, reason, message } of conditions) {
      const state = `${status} ${reason}`;
      if (last.get(type) === state) continue;
      last.set(type, state);
      changes.push({ at, text: `${type} ${status}, ${reason}${message === '' ? '' : `: ${message}`}` });
    }
  }
  return changes.slice(0, LISTED);
}

export function scalingInactive(look: HpaLook): readonly string[] {
  const active = look.conditions.find((condition) => condition.type === 'ScalingActive');
  return active === undefined || active.status === 'True' ? [] : [`${active.status}, ${active.reason}`];
}

export function limitedByMax(look: HpaLook): boolean {
  return look.conditions.some((c) => c.type === 'ScalingLimited' && c.status === 'True' && c.reason === 'TooManyReplicas');
}

export function directionChanges(values: readonly number[]): number {
  let direction = 0;
  let changes = 0;
  for (const [i, value] of values.entries()) {
    const next = Math.sign(value - (values[i - 1] ?? value));
    if (next !== 0 && direction !== 0 && next !== direction) changes += 1;
    if (next !== 0) direction = next;
  }
  return changes;
}
