/** The fastest that a HorizontalPodAutoscaler may go by its own configuration (autoscaling/v2, `spec.behavior.scaleUp`). */
import type { EnvironmentRecord } from '../model/run-records.ts';

/** Defaults of Kubernetes: window 0 s, the larger of 100 % and 4 pods every 15 s. */
const DEFAULT_POLICIES = [
  { type: 'Percent', value: 100, periodSeconds: 15 },
  { type: 'Pods', value: 4, periodSeconds: 15 },
] as const;
const DEFAULT_SYNC_SECONDS = 15;

interface Policy {
  readonly type: string;
  readonly value: number;
  readonly periodSeconds: number;
}

/** In words, for the detail table; null without an autoscaler in `environment.json`. */
export function hpaBound(environment: EnvironmentRecord, from: number, to: number): string | null {
  const kubernetes = environment.kubernetes;
  if (kubernetes?.hpa === undefined) return null;
  const scaleUp = scaleUpOf(kubernetes.hpa);
  const windowSeconds = numberOf(scaleUp?.stabilizationWindowSeconds) ?? 0;
  const syncSeconds = kubernetes.hpaSyncSeconds ?? DEFAULT_SYNC_SECONDS;
  if (scaleUp?.selectPolicy === 'Disabled') return 'scale-up is disabled by its behavior';
  const given = policiesOf(scaleUp?.policies);
  const policies = given.length > 0 ? given : DEFAULT_POLICIES;
  const stepsSeconds = fastestSeconds(policies, scaleUp?.selectPolicy === 'Min', from, to);
  const total = syncSeconds + windowSeconds + stepsSeconds;
  return `${from} to ${to} replicas takes up to ${total} s by configuration: sync ${syncSeconds} s${kubernetes.hpaSyncSeconds === undefined ? ' (assumed, the default)' : ''} + stabilisation ${windowSeconds} s + policies ${stepsSeconds} s`;
}

/** Seconds between the first and the last step: in each period every policy allows so many more pods; max or min of them. */
function fastestSeconds(policies: readonly Policy[], strictest: boolean, from: number, to: number): number {
  const periodSeconds = Math.max(...policies.map((policy) => policy.periodSeconds));
  let replicas = Math.max(1, from);
  for (let periods = 0; periods < 1000; periods += 1) {
    const allowed = policies.map(({ type, value }) =>
      type === 'Pods' ? replicas + value : Math.ceil(replicas * (1 + value / 100)),
    );
    replicas = strictest ? Math.min(...allowed) : Math.max(...allowed);
    if (replicas >= to) return periods * periodSeconds;
  }
  return Number.POSITIVE_INFINITY;
}

/** `environment.json` holds the autoscaler as the API gave it, its spec, or its behavior alone. */
function scaleUpOf(hpa: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | undefined {
  const spec = recordOf(hpa.spec) ?? hpa;
  const behavior = recordOf(spec.behavior) ?? spec;
  return recordOf(behavior.scaleUp);
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

function recordOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
