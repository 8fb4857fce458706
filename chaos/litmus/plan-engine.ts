/** Whether an engine could run: Litmus installed, experiment and service account there, pods to hit, blast radius. Read only. */
import type { ApiObject, CustomObjectsPort, KubernetesPort, PodView } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';
import type { LitmusEngineSpec } from '../../src/model/plan.ts';
import type { FaultPlan } from '../fault.ts';
import { owningDeployment } from '../kubernetes/workload.ts';
import { MANAGED_BY, podsPerRound } from './engine-object.ts';
import { toEngineView, toExperimentView, valueAt } from './read-objects.ts';
import { ENGINES, EXPERIMENTS, RESULTS, SERVICE_ACCOUNTS } from './resources.ts';

export interface PlannedEngine {
  /** UIDs of all pods of the selector before the experiment. */
  readonly before: readonly string[];
  readonly deployment: string | null;
}

export async function planEngine(
  spec: LitmusEngineSpec,
  { kubernetes, objects }: { readonly kubernetes: KubernetesPort; readonly objects: CustomObjectsPort },
): Promise<FaultPlan<PlannedEngine>> {
  const place = `${kubernetes.context}/${kubernetes.namespace}`;
  const experiment = toExperimentView(await requireExperiment(spec, objects, place));
  await requireServiceAccount(spec, objects, place);
  await requireNoOther(spec, objects, place);
  // Asked for its own sake: a missing CRD of the results would only show when it is too late.
  await objects.fetch(RESULTS, 'peakproof');
  const matching = requirePods(spec, await kubernetes.fetchPods(spec.app.label), place);
  const unready = matching.filter(({ ready }) => !ready).length;
  const perRound = podsPerRound(spec.env, matching.length);
  const affected = Math.min(matching.length, perRound + unready);
  const allowed = Math.floor(spec.maxAffectedRatio * matching.length + 1e-9);
  if (spec.proof !== 'result' && affected > allowed) {
    const already = unready === 0 ? '' : ` (${unready} not ready already)`;
    throw new HarnessError(
      'ERR_BLAST_RADIUS',
      `${spec.experiment} would take ${perRound} of ${matching.length} pods ${spec.app.label} in ${place} at once and leave ${affected} down${already}; ` +
        `maxAffected ${percent(spec.maxAffectedRatio)} allows ${allowed}`,
      { hint: 'lower PODS_AFFECTED_PERC, run more replicas, or raise maxAffected of this fault' },
    );
  }
  return {
    target: `pods ${spec.app.label} in ${place}, through the ChaosExperiment ${spec.experiment}`,
    blastRadius:
      spec.proof === 'result'
        ? `as the experiment ${spec.experiment} has it; ${matching.length} pods ${spec.app.label} match`
        : `${affected} of ${matching.length} pods ${spec.app.label} down at once; at most ${percent(spec.maxAffectedRatio)} allowed`,
    undo: 'stops and deletes the ChaosEngine, its job and result, then waits until all wanted replicas are ready again',
    prediction:
      `about 12 s from engine to first kill; each round chooses anew and may hit a replacement; images: experiment ` +
      `${experiment.image ?? '(none named)'}, runner ${runnerImage(spec)}`,
    state: { before: matching.map(({ uid }) => uid), deployment: await readableOwner(matching, kubernetes) },
  };
}

async function requireExperiment(spec: LitmusEngineSpec, objects: CustomObjectsPort, place: string): Promise<ApiObject> {
  const experiment = await objects.fetch(EXPERIMENTS, spec.experiment);
  if (experiment !== null) return experiment;
  throw new HarnessError('ERR_LITMUS', `there is no ChaosExperiment "${spec.experiment}" in ${place}`, {
    hint: await installedExperiments(objects),
  });
}

/** For the hint alone: an account with just what the plan needs may not list them. */
async function installedExperiments(objects: CustomObjectsPort): Promise<string> {
  try {
    const installed = (await objects.list(EXPERIMENTS)).flatMap(({ metadata }) => metadata?.name ?? []);
    if (installed.length > 0) return `installed here: ${installed.sort().join(', ')}`;
    return 'none is installed in this namespace; install it from a ChaosHub with kubectl apply';
  } catch (error) {
    if (error instanceof HarnessError) return 'compare with: kubectl get chaosexperiments';
    throw error;
  }
}

async function requireServiceAccount(spec: LitmusEngineSpec, objects: CustomObjectsPort, place: string): Promise<void> {
  if ((await objects.fetch(SERVICE_ACCOUNTS, spec.serviceAccount)) !== null) return;
  throw new HarnessError('ERR_LITMUS', `there is no service account "${spec.serviceAccount}" in ${place}`, {
    hint: `an engine without one stays "initialized" for ever; make it with the permissions of the experiment ${spec.experiment}`,
  });
}

/** Two engines on the same pods: nobody could tell whose kill it was, not even when both are ours. */
async function requireNoOther(spec: LitmusEngineSpec, objects: CustomObjectsPort, place: string): Promise<void> {
  const other = (await objects.list(ENGINES)).find((object) => {
    const { engineState, engineStatus, appLabel } = toEngineView(object);
    const over = engineState !== 'active' || engineStatus === 'completed' || engineStatus === 'stopped';
    return !over && appLabel === spec.app.label;
  });
  if (other === undefined) return;
  const ours = Object.entries(MANAGED_BY).every(([key, value]) => other.metadata?.labels?.[key] === value);
  throw new HarnessError(
    'ERR_LITMUS',
    `the ChaosEngine "${other.metadata?.name ?? ''}" is active on the pods ${spec.app.label} in ${place}`,
    {
      hint: ours
        ? 'it is of another fault of this plan, which needs more time between them, or of a run that was killed: peakproof rollback RUNDIR'
        : 'wait until it is over, or stop it; its kills could not be told from those of this fault',
    },
  );
}

function requirePods(spec: LitmusEngineSpec, pods: readonly PodView[], place: string): readonly PodView[] {
  const matching = pods.filter((pod) => !pod.deleting && pod.phase !== 'Succeeded' && pod.phase !== 'Failed');
  if (matching.length > 0) return matching;
  throw new HarnessError('ERR_SELECTOR_EMPTY', `no running pod in ${place} matches ${spec.app.label}`, {
    hint: `compare with: kubectl get pods --show-labels; Litmus would end in TARGET_SELECTION_ERROR`,
  });
}

/** Null when it may not be read: a plan's account may read the plan's own Deployment only. Replicas are taken as they were then. */
async function readableOwner(pods: readonly PodView[], kubernetes: KubernetesPort): Promise<string | null> {
  const owner = owningDeployment(pods);
  try {
    return owner === null ? null : (await kubernetes.fetchDeployment(owner)).name;
  } catch (error) {
    if (error instanceof HarnessError) return null;
    throw error;
  }
}

function runnerImage(spec: LitmusEngineSpec): string {
  const image = valueAt(spec.components, 'runner.image');
  return typeof image === 'string' ? image : "the operator's default";
}

function percent(ratio: number): string {
  return `${Math.round(ratio * 100)} %`;
}
