/** ChaosEngine, ChaosResult and ChaosExperiment reduced to what is looked at. Pure; absent fields are null, never guessed. */
import type { ApiObject } from '../../src/clients/ports.ts';

export interface EngineView {
  readonly name: string;
  readonly uid: string;
  /** Of the API server's clock, whole seconds. */
  readonly createdServerAt: number;
  readonly deleting: boolean;
  readonly finalizers: readonly string[];
  /** `active` or `stop`; the operator itself sets `stop` on completion. */
  readonly engineState: string | null;
  readonly appLabel: string | null;
  /** Null until an operator has seen it; `initialized`, `completed`, `stopped`. */
  readonly engineStatus: string | null;
  readonly experiment: {
    readonly name: string;
    readonly status: string;
    readonly verdict: string;
    readonly experimentPod: string | null;
    readonly runner: string | null;
  } | null;
}

export interface LitmusProbe {
  readonly name: string;
  readonly type: string;
  readonly mode: string;
  readonly verdict: string;
  readonly description: string;
}

export interface ResultView {
  readonly name: string;
  readonly uid: string;
  readonly engine: string | null;
  readonly experiment: string | null;
  /** Labels that tell of which run it is. */
  readonly jobName: string | null;
  readonly chaosUid: string | null;
  readonly phase: string;
  readonly verdict: string;
  readonly probeSuccess: string | null;
  readonly error: { readonly code: string; readonly reason: string } | null;
  readonly probes: readonly LitmusProbe[];
  readonly targets: readonly { readonly name: string; readonly kind: string; readonly status: string }[];
  /** Of the API server's clock; the result of a re-run keeps that of the first run. */
  readonly createdServerAt: number | null;
}

export interface ExperimentView {
  readonly name: string;
  readonly image: string | null;
}

export function toEngineView(object: ApiObject): EngineView {
  const { metadata = {} } = object;
  const [experiment] = list(valueAt(object, 'status.experiments'));
  return {
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    createdServerAt: Date.parse(metadata.creationTimestamp ?? '') || 0,
    deleting: metadata.deletionTimestamp !== undefined,
    finalizers: metadata.finalizers ?? [],
    engineState: text(valueAt(object, 'spec.engineState')),
    appLabel: text(valueAt(object, 'spec.appinfo.applabel')),
    engineStatus: text(valueAt(object, 'status.engineStatus')),
    experiment:
      experiment === undefined
        ? null
        : {
            name: text(valueAt(experiment, 'name')) ?? '',
            status: text(valueAt(experiment, 'status')) ?? '',
            verdict: text(valueAt(experiment, 'verdict')) ?? '',
            experimentPod: text(valueAt(experiment, 'experimentPod')),
            runner: text(valueAt(experiment, 'runner')),
          },
  };
}

export function toResultView(object: ApiObject): ResultView {
  const { metadata = {} } = object;
  const at = (path: string) => text(valueAt(object, `status.experimentStatus.${path}`));
  const created = Date.parse(metadata.creationTimestamp ?? '');
  return {
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    engine: text(valueAt(object, 'spec.engine')),
    experiment: text(valueAt(object, 'spec.experiment')),
    jobName: metadata.labels?.['job-name'] ?? metadata.labels?.['batch.kubernetes.io/job-name'] ?? null,
    chaosUid: metadata.labels?.chaosUID ?? null,
    phase: at('phase') ?? '',
    verdict: at('verdict') ?? '',
    probeSuccess: at('probeSuccessPercentage'),
    error: toError(at('errorOutput.errorCode'), at('errorOutput.reason'), at('failStep')),
    probes: list(valueAt(object, 'status.probeStatuses')).map((probe) => ({
      name: text(valueAt(probe, 'name')) ?? '',
      type: text(valueAt(probe, 'type')) ?? '',
      mode: text(valueAt(probe, 'mode')) ?? '',
      verdict: text(valueAt(probe, 'status.verdict')) ?? 'N/A',
      description: text(valueAt(probe, 'status.description')) ?? '',
    })),
    targets: list(valueAt(object, 'status.history.targets')).map((target) => ({
      name: text(valueAt(target, 'name')) ?? '',
      kind: text(valueAt(target, 'kind')) ?? '',
      status: text(valueAt(target, 'chaosStatus')) ?? '',
    })),
    createdServerAt: Number.isNaN(created) ? null : created,
  };
}

export function toExperimentView(object: ApiObject): ExperimentView {
  return { name: object.metadata?.name ?? '', image: text(valueAt(object, 'spec.definition.image')) };
}

/** `pod-delete-76ia21-tqczj` -> `pod-delete-76ia21`, the job of this very run; null while there is no pod. */
export function jobOfPod(experimentPod: string | null): string | null {
  return /^(\S+)-[a-z0-9]{5}$/.exec(experimentPod ?? '')?.[1] ?? null;
}

/**
 * A ChaosResult is reused by name and outlives its engine, and the one before stays readable for 6-10 s: it is of this run only
 * when it carries this engine's uid, and the job of this run. A stopped experiment leaves a result without the label `job-name`.
 */
export function isOfRun(result: ResultView, engine: EngineView): boolean {
  if (result.chaosUid === null || result.chaosUid !== engine.uid) return false;
  if (result.jobName === null) return result.phase === 'Stopped';
  const job = jobOfPod(engine.experiment?.experimentPod ?? null);
  return job === null || job === result.jobName;
}

/** The reason is JSON inside a string, where Litmus knows one. */
function toError(code: string | null, reason: string | null, failStep: string | null): ResultView['error'] {
  if (code === null && reason === null && failStep === null) return null;
  const words = reason ?? failStep ?? '';
  const inner = parseJson(words);
  const why = text(valueAt(inner, 'reason'));
  const target = text(valueAt(inner, 'target'));
  return {
    code: code ?? text(valueAt(inner, 'errorCode')) ?? 'ERROR',
    reason: why === null ? words : `${why}${target === null ? '' : ` (${target})`}`,
  };
}

function parseJson(words: string): unknown {
  try {
    return JSON.parse(words);
  } catch (error) {
    // Free text then.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The value at a dotted path; undefined when a step is missing. */
export function valueAt(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (current, step) =>
        typeof current === 'object' && current !== null && Object.hasOwn(current, step)
          ? (current as Readonly<Record<string, unknown>>)[step]
          : undefined,
      value,
    );
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
