/**
 * Second half of the HPA's decision: stabilisation windows, rate policies, minimum and maximum.
 * Source: Kubernetes documentation "Configurable scaling behavior" and the controller's normalisation with behaviors.
 */
import type { HpaBehavior, ScalingPolicy } from '../objects.ts';

export interface Timed {
  readonly at: number;
  /** A recommendation: replicas. A scale event: how many were added or removed. */
  readonly replicas: number;
}

/** What one HPA remembers between two decisions. */
export interface HpaMemory {
  readonly recommendations: readonly Timed[];
  readonly scaleUps: readonly Timed[];
  readonly scaleDowns: readonly Timed[];
}

export const emptyMemory: HpaMemory = { recommendations: [], scaleUps: [], scaleDowns: [] };

export interface ResolvedRules {
  readonly windowMs: number;
  readonly selectPolicy: 'Max' | 'Min' | 'Disabled';
  readonly policies: readonly ScalingPolicy[];
  readonly tolerance: number;
}

export interface ResolvedBehavior {
  readonly scaleUp: ResolvedRules;
  readonly scaleDown: ResolvedRules;
}

/** Fills in the documented defaults. */
export function resolveBehavior(behavior: HpaBehavior | undefined, tolerance: number): ResolvedBehavior {
  const { scaleUp, scaleDown } = behavior ?? {};
  return {
    scaleUp: {
      windowMs: (scaleUp?.stabilizationWindowSeconds ?? 0) * 1000,
      selectPolicy: scaleUp?.selectPolicy ?? 'Max',
      policies: scaleUp?.policies ?? [
        { type: 'Pods', value: 4, periodSeconds: 15 },
        { type: 'Percent', value: 100, periodSeconds: 15 },
      ],
      tolerance: scaleUp?.tolerance === undefined ? tolerance : Number(scaleUp.tolerance),
    },
    scaleDown: {
      windowMs: (scaleDown?.stabilizationWindowSeconds ?? 300) * 1000,
      selectPolicy: scaleDown?.selectPolicy ?? 'Max',
      policies: scaleDown?.policies ?? [{ type: 'Percent', value: 100, periodSeconds: 15 }],
      tolerance: scaleDown?.tolerance === undefined ? tolerance : Number(scaleDown.tolerance),
    },
  };
}

export interface Limit {
  readonly replicas: number;
  readonly reason: string;
  readonly message: string;
}

export interface Stabilized extends Limit {
  readonly recommendations: readonly Timed[];
}

/** Down never below the highest recent recommendation, up never above the lowest: each over its own window. */
export function stabilize(
  recommended: number,
  current: number,
  behavior: ResolvedBehavior,
  memory: HpaMemory,
  nowMs: number,
): Stabilized {
  const within = (windowMs: number) =>
    memory.recommendations.filter((entry) => entry.at > nowMs - windowMs).map((entry) => entry.replicas);
  const lowestUp = Math.min(recommended, ...within(behavior.scaleUp.windowMs));
  const highestDown = Math.max(recommended, ...within(behavior.scaleDown.windowMs));
  const replicas = Math.min(Math.max(current, lowestUp), highestDown);
  const longestMs = Math.max(behavior.scaleUp.windowMs, behavior.scaleDown.windowMs);
  const recommendations = [
    ...memory.recommendations.filter((entry) => entry.at >= nowMs - longestMs),
    { at: nowMs, replicas: recommended },
  ];
  return recommended >= current
    ? {
        replicas,
        recommendations,
        reason: 'ScaleUpStabilized',
        message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
      }
    : {
        replicas,
        recommendations,
        reason: 'ScaleDownStabilized',
        message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
      };
}

/** Applies rate policies, then minimum and maximum. */
export function limitRate(
  desired: number,
  current: number,
  bounds: { readonly minReplicas: number; readonly maxReplicas: number },
  behavior: ResolvedBehavior,
  memory: HpaMemory,
  nowMs: number,
): Limit {
  if (desired > current) {
    const rate = Math.max(scaleUpLimit(current, behavior.scaleUp, memory, nowMs), current);
    const limited: Limit =
      bounds.maxReplicas > rate
        ? {
            replicas: rate,
            reason: 'ScaleUpLimit',
            message: 'the desired replica count is increasing faster than the maximum scale rate',
          }
        : {
            replicas: bounds.maxReplicas,
            reason: 'TooManyReplicas',
            message: 'the desired replica count is more than the maximum replica count',
          };
    if (desired > limited.replicas) return limited;
  } else if (desired < current) {
    const rate = Math.min(scaleDownLimit(current, behavior.scaleDown, memory, nowMs), current);
    const limited: Limit =
      bounds.minReplicas < rate
        ? {
            replicas: rate,
            reason: 'ScaleDownLimit',
            message: 'the desired replica count is decreasing faster than the maximum scale rate',
          }
        : {
            replicas: bounds.minReplicas,
            reason: 'TooFewReplicas',
            message: 'the desired replica count is less than the minimum replica count',
          };
    if (desired < limited.replicas) return limited;
  }
  return {
    replicas: desired,
    reason: 'DesiredWithinRange',
    message: 'the desired count is within the acceptable range',
  };
}

function changedWithin(events: readonly Timed[], periodSeconds: number, nowMs: number): number {
  return events.filter((event) => event.at > nowMs - periodSeconds * 1000).reduce((sum, event) => sum + event.replicas, 0);
}

function scaleUpLimit(current: number, rules: ResolvedRules, memory: HpaMemory, nowMs: number): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const proposals = rules.policies.map((policy) => {
    const start =
      current -
      changedWithin(memory.scaleUps, policy.periodSeconds, nowMs) +
      changedWithin(memory.scaleDowns, policy.periodSeconds, nowMs);
    return policy.type === 'Pods' ? start + policy.value : Math.ceil(start * (1 + policy.value / 100));
  });
  return rules.selectPolicy === 'Min' ? Math.min(...proposals) : Math.max(...proposals);
}

function scaleDownLimit(current: number, rules: ResolvedRules, memory: HpaMemory, nowMs: number): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const proposals = rules.policies.map((policy) => {
    const start =
      current -
      changedWithin(memory.scaleUps, policy.periodSeconds, nowMs) +
      changedWithin(memory.scaleDowns, policy.periodSeconds, nowMs);
    return policy.type === 'Pods' ? start - policy.value : Math.trunc(start * (1 - policy.value / 100));
  });
  // "Min" selects the policy that changes least, which going down is the highest remaining count.
  return rules.selectPolicy === 'Min' ? Math.max(...proposals) : Math.min(...proposals);
}

/** Remembers that the scale was changed; forgets what no policy looks at any more. */
export function rememberScale(memory: HpaMemory, from: number, to: number, behavior: ResolvedBehavior, nowMs: number): HpaMemory {
  const longestSeconds = Math.max(
    0,
    ...[...behavior.scaleUp.policies, ...behavior.scaleDown.policies].map((policy) => policy.periodSeconds),
  );
  const keep = (events: readonly Timed[]) => events.filter((event) => event.at >= nowMs - longestSeconds * 1000);
  return {
    ...memory,
    scaleUps: to > from ? [...keep(memory.scaleUps), { at: nowMs, replicas: to - from }] : keep(memory.scaleUps),
    scaleDowns: to < from ? [...keep(memory.scaleDowns), { at: nowMs, replicas: from - to }] : keep(memory.scaleDowns),
  };
}
