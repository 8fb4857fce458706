/** The ChaosEngine of one fault of one run. Pure. */
import { createHash } from 'node:crypto';
import type { ApiObject } from '../../src/clients/ports.ts';
import type { LitmusEngineSpec } from '../../src/model/plan.ts';

/** On every engine of ours. */
export const MANAGED_BY = { 'app.kubernetes.io/managed-by': 'peakproof' } as const;
const RUN_ANNOTATION = 'peakproof/run';

/** A name of its own for each run: results are reused by name. Short enough for the runner pod, `<engine>-runner`. */
export function engineName(runId: string, faultId: string): string {
  const run = createHash('sha256').update(runId).digest('hex').slice(0, 8);
  return `peakproof-${run}-${faultId}`.slice(0, 56).replace(/-+$/, '');
}

/** Where Litmus leaves the result of an engine. */
export function resultName(engine: string, experiment: string): string {
  return `${engine}-${experiment}`;
}

export function engineObject(
  spec: LitmusEngineSpec,
  { name, namespace, runId }: { readonly name: string; readonly namespace: string; readonly runId: string },
): ApiObject {
  const env = {
    ...spec.env,
    TOTAL_CHAOS_DURATION: String(spec.durationMs / 1_000),
    CHAOS_INTERVAL: String(spec.intervalMs / 1_000),
  };
  return {
    apiVersion: 'litmuschaos.io/v1alpha1',
    kind: 'ChaosEngine',
    metadata: {
      name,
      namespace,
      labels: { ...MANAGED_BY, 'peakproof/fault': spec.id },
      annotations: { [RUN_ANNOTATION]: runId },
    },
    spec: {
      appinfo: { appns: namespace, applabel: spec.app.label, appkind: spec.app.kind },
      chaosServiceAccount: spec.serviceAccount,
      ...(spec.components === undefined ? {} : { components: spec.components }),
      defaultHealthCheck: spec.healthCheck,
      engineState: 'active',
      // `delete` would take the experiment's log with it.
      jobCleanUpPolicy: 'retain',
      experiments: [
        {
          name: spec.experiment,
          spec: {
            components: { env: Object.entries(env).map(([key, value]) => ({ name: key, value })) },
            ...(spec.probes.length === 0 ? {} : { probe: spec.probes }),
          },
        },
      ],
    },
  };
}

/** Pods of `matching` that one round of a pod experiment takes: litmus-go rounds down, and takes at least one. */
export function podsPerRound(env: Readonly<Record<string, string>>, matching: number): number {
  const named = (env.TARGET_PODS ?? '').split(',').filter((pod) => pod.trim() !== '').length;
  if (named > 0) return named;
  const percent = Math.min(100, Math.max(0, Number(env.PODS_AFFECTED_PERC ?? '0') || 0));
  return Math.max(1, Math.floor((percent * matching) / 100));
}
