/** The ChaosResult: reused by name, without owner, counters that add up over runs, labels that tell of which run it is. */
import { RESULTS, type Stage } from './operator.ts';
import { type EngineRun, newControllerUid } from './run-engine.ts';

export interface Verdict {
  readonly phase: string;
  readonly verdict: string;
  readonly probeSuccess: string;
  readonly errorOutput?: { readonly errorCode: string; readonly reason: string };
  readonly probeStatuses?: readonly unknown[];
  readonly targets?: readonly unknown[];
}

interface History {
  readonly passedRuns: number;
  readonly failedRuns: number;
  readonly stoppedRuns: number;
  readonly targets?: readonly unknown[];
}

const controllers = new WeakMap<EngineRun, string>();

export async function writeResult(stage: Stage, run: EngineRun, told: Verdict): Promise<void> {
  const { objects } = stage;
  const name = `${run.name}-${run.experiment}`;
  const current = await objects.fetch(RESULTS, name);
  const before = (current?.status as { readonly history?: History } | undefined)?.history;
  const history = { passedRuns: 0, failedRuns: 0, stoppedRuns: 0, ...before };
  const counted = {
    ...history,
    ...(told.verdict === 'Pass' ? { passedRuns: history.passedRuns + 1 } : {}),
    ...(told.verdict === 'Fail' ? { failedRuns: history.failedRuns + 1 } : {}),
    ...(told.verdict === 'Stopped' ? { stoppedRuns: history.stoppedRuns + 1 } : {}),
    ...(told.targets === undefined ? {} : { targets: told.targets }),
  };
  const status = {
    experimentStatus: {
      ...(told.errorOutput === undefined ? {} : { errorOutput: told.errorOutput }),
      phase: told.phase,
      probeSuccessPercentage: told.probeSuccess,
      verdict: told.verdict,
    },
    history: counted,
    ...(told.probeStatuses === undefined || told.probeStatuses.length === 0 ? {} : { probeStatuses: told.probeStatuses }),
  };
  const labels = told.phase === 'Stopped' ? stoppedLabels(run) : runLabels(run);
  if (current === null) {
    await objects.create(RESULTS, {
      apiVersion: 'litmuschaos.io/v1alpha1',
      kind: 'ChaosResult',
      metadata: { name, labels: compact(labels) },
      spec: { engine: run.name, experiment: run.experiment },
      status,
    });
  } else await objects.patch(RESULTS, name, { metadata: { labels }, status });
}

function runLabels(run: EngineRun): Record<string, string | null> {
  const controller = controllers.get(run) ?? newControllerUid();
  controllers.set(run, controller);
  return {
    'batch.kubernetes.io/controller-uid': controller,
    'batch.kubernetes.io/job-name': run.job,
    chaosUID: run.uid,
    'controller-uid': controller,
    'job-name': run.job,
    name: run.experiment,
  };
}

/** A stopped experiment leaves nothing but the engine's uid. */
function stoppedLabels(run: EngineRun): Record<string, string | null> {
  const gone = Object.fromEntries(Object.keys(runLabels(run)).map((key) => [key, null]));
  return { ...gone, chaosUID: run.uid };
}

function compact(labels: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).flatMap(([key, value]) => (value === null ? [] : [[key, value]])));
}
