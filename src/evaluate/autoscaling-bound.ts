/** The fastest and slowest that a HorizontalPodAutoscaler may go by its own configuration (autoscaling/v2, `spec.behavior`). */
import type { EnvironmentRecord } from '../model/run-records.ts';
import type { MetricResolution } from './autoscaling-metric.ts';
import { numberOf, recordOf } from './plain.ts';

/** Defaults of Kubernetes: up, window 0 s, the larger of 100 % and 4 pods every 15 s; down, window 300 s, 100 % every 15 s. */
const DEFAULTS = {
  scaleUp: {
    windowSeconds: 0,
    policies: [
      { type: 'Percent', value: 100, periodSeconds: 15 },
      { type: 'Pods', value: 4, periodSeconds: 15 },
    ],
  },
  scaleDown: { windowSeconds: 300, policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
} as const;
const DEFAULT_SYNC_SECONDS = 15;

interface Policy {
  readonly type: string;
  readonly value: number;
  readonly periodSeconds: number;
}

export interface Bound {
  readonly text: string;
  /** Null: it may not move at all. */
  readonly fastestMs: number | null;
  readonly slowestMs: number | null;
}

/** From the load step to the decision for `to` replicas; null without an autoscaler in `environment.json`. */
export function scaleUpBound(environment: EnvironmentRecord, from: number, to: number, metric: MetricResolution): Bound | null {
  const rules = rulesOf(environment, 'scaleUp');
  if (rules === null) return null;
  if (rules.disabled) return { text: 'scale-up is disabled by its behavior', fastestMs: null, slowestMs: null };
  const { windowSeconds, syncSeconds, syncText } = rules;
  const steps = stepSeconds(rules, from, to);
  const fastest = windowSeconds + steps;
  // A sample that holds only part of the step may stay below the target; the next one is whole.
  const slowest = fastest + syncSeconds + (2 * metric.ms) / 1_000;
  return {
    text:
      `${from} to ${to} replicas, from load step to decision: at best ${fastest} s, at worst ${slowest} s by configuration: ` +
      `a metric every ${metric.text}, twice that at worst, + sync ${syncText} + stabilisation ${windowSeconds} s + policies ${steps} s`,
    fastestMs: finiteMs(fastest),
    slowestMs: finiteMs(slowest),
  };
}

/** From the fall of the load to the decision for `to` replicas. */
export function scaleInBound(
  environment: EnvironmentRecord,
  from: number,
  to: number,
): (Bound & { readonly windowMs: number | null }) | null {
  const rules = rulesOf(environment, 'scaleDown');
  if (rules === null) return null;
  if (rules.disabled) return { text: 'scale-in is disabled by its behavior', fastestMs: null, slowestMs: null, windowMs: null };
  const { windowSeconds, syncSeconds, syncText } = rules;
  const steps = stepSeconds(rules, from, to);
  return {
    text: `stabilisation window ${windowSeconds} s + policies ${steps} s + sync ${syncText}`,
    fastestMs: finiteMs(windowSeconds + steps),
    slowestMs: finiteMs(windowSeconds + steps + syncSeconds),
    windowMs: windowSeconds * 1_000,
  };
}

function finiteMs(seconds: number): number | null {
  return Number.isFinite(seconds) ? seconds * 1_000 : null;
}

interface Rules {
  readonly direction: keyof typeof DEFAULTS;
  readonly disabled: boolean;
  readonly strictest: boolean;
  readonly windowSeconds: number;
  readonly syncSeconds: number;
  readonly syncText: string;
  readonly policies: readonly Policy[];
}

function rulesOf({ kubernetes }: EnvironmentRecord, direction: keyof typeof DEFAULTS): Rules | null {
  if (kubernetes?.hpa === undefined) return null;
  const given = behaviorOf(kubernetes.hpa)[direction];
  const own = recordOf(given);
  const policies = policiesOf(own?.policies);
  const syncSeconds = kubernetes.hpaSyncSeconds ?? DEFAULT_SYNC_SECONDS;
  return {
    direction,
    disabled: own?.selectPolicy === 'Disabled',
    strictest: own?.selectPolicy === 'Min',
    windowSeconds: numberOf(own?.stabilizationWindowSeconds) ?? DEFAULTS[direction].windowSeconds,
    syncSeconds,
    syncText: `${syncSeconds} s${kubernetes.hpaSyncSeconds === undefined ? ' (assumed, the default)' : ''}`,
    policies: policies.length > 0 ? policies : DEFAULTS[direction].policies,
  };
}

/** Seconds between the first and the last step: in each period every policy allows so many pods more or fewer; most or least of them. */
function stepSeconds({ policies, strictest, direction }: Rules, from: number, to: number): number {
  const periodSeconds = Math.max(...policies.map((policy) => policy.periodSeconds));
  const up = direction === 'scaleUp';
  let replicas = up ? Math.max(1, from) : from;
  for (let periods = 0; periods < 1_000; periods += 1) {
    const moves = policies.map(({ type, value }) => (type === 'Pods' ? value : Math.ceil(replicas * (value / 100))));
    const move = strictest ? Math.min(...moves) : Math.max(...moves);
    replicas = up ? replicas + move : replicas - move;
    if (up ? replicas >= to : replicas <= to) return periods * periodSeconds;
  }
  return Number.POSITIVE_INFINITY;
}

/** `environment.json` holds the autoscaler as the API gave it, its spec, or its behavior alone. */
function behaviorOf(hpa: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const spec = recordOf(hpa.spec) ?? hpa;
  return recordOf(spec.behavior) ?? spec;
}

function policiesOf(value: unknown): readonly Policy[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry: unknown) => {
    const policy = recordOf(entry);
    const [amount, periodSeconds] = [numberOf(policy?.value), numberOf(policy?.periodSeconds)];
    return amount === undefined || periodSeconds === undefined
      ? []
      : [{ type: String(policy?.type), value: amount, periodSeconds }];
  });
}
