/** Why an engine does not get on, in words that name what is missing; and what Litmus said, as evidence. */
import type { ApiObject, CustomObjectsPort, KubernetesPort } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';
import type { LitmusEngineSpec } from '../../src/model/plan.ts';
import type { Followed } from './follow-engine.ts';
import { type ResultView, toExperimentView, valueAt } from './read-objects.ts';
import { EXPERIMENTS, PODS, SERVICE_ACCOUNTS } from './resources.ts';

/** One sentence; never throws for what cannot be read. */
export async function explainStuck(
  objects: CustomObjectsPort,
  spec: LitmusEngineSpec,
  { engine, progress }: Pick<Followed, 'engine' | 'progress'>,
): Promise<string> {
  return (await attempt(() => findCause(objects, spec, { engine, progress }), 'the cause could not be looked up')).join('; ');
}

async function findCause(
  objects: CustomObjectsPort,
  spec: LitmusEngineSpec,
  { engine, progress }: Pick<Followed, 'engine' | 'progress'>,
): Promise<string[]> {
  if (progress.state === 'waiting' && progress.on === 'operator')
    return [`no operator has taken it up: is chaos-operator running, and does it watch the namespace ${objects.namespace}?`];
  const experiment = await objects.fetch(EXPERIMENTS, spec.experiment);
  if (experiment === null) return [`the ChaosExperiment "${spec.experiment}" is not in the namespace ${objects.namespace}`];
  if ((await objects.fetch(SERVICE_ACCOUNTS, spec.serviceAccount)) === null)
    return [`the service account "${spec.serviceAccount}" is not in the namespace ${objects.namespace}`];
  const pods = engine === null ? [] : await objects.list(PODS, { labelSelector: `chaosUID=${engine.uid}` });
  const troubles = pods.flatMap(podTrouble);
  if (troubles.length > 0) return troubles;
  if (progress.state === 'not-started')
    return [`its image ${toExperimentView(experiment).image ?? '(none named)'} could not be started`];
  if (progress.state === 'waiting' && progress.on === 'job')
    return [`the runner has made no job: may the service account "${spec.serviceAccount}" create jobs?`];
  if (progress.state === 'resultless')
    return [
      `there is no ChaosResult of this run: may the service account "${spec.serviceAccount}" do what the experiment needs?`,
    ];
  return progress.state === 'waiting' ? [`the runner pod of the engine does not report: see its log`] : [];
}

function podTrouble(pod: ApiObject): string[] {
  const statuses = valueAt(pod, 'status.containerStatuses');
  const waiting = Array.isArray(statuses) ? valueAt(statuses[0], 'state.waiting') : undefined;
  const image = Array.isArray(statuses) ? valueAt(statuses[0], 'image') : undefined;
  const reason = valueAt(waiting, 'reason');
  if (typeof reason !== 'string' || reason === 'ContainerCreating') return [];
  return [`pod ${pod.metadata?.name ?? ''} does not start: ${reason}${typeof image === 'string' ? ` (image ${image})` : ''}`];
}

/** What Litmus says of this run; for people, beside our own proof. */
export function describeResult(result: ResultView | null): string {
  if (result === null) return 'Litmus left no result of this run';
  const error = result.error === null ? '' : `: ${result.error.code}: ${result.error.reason}`;
  const probes = result.probes.length === 0 ? '' : `, probes ${result.probeSuccess ?? '?'} %`;
  return `Litmus' verdict ${result.verdict} (${result.phase})${probes}${error}`;
}

/** Litmus' probes, taken over one by one. */
export function probeEvidence(result: ResultView | null): readonly string[] {
  return (result?.probes ?? []).map(
    ({ name, type, mode, verdict, description }) =>
      `Litmus probe "${name}" (${type}, ${mode}): ${verdict}${description === '' ? '' : `: ${description}`}`,
  );
}

const LOG_LINES = 200;
const SHOWN_LINES = 5;

/** Last lines of the experiment's log, errors first; read before the pod goes. */
export async function readLog(objects: CustomObjectsPort, pod: string | null): Promise<readonly string[]> {
  if (pod === null || /\s/.test(pod)) return [];
  return attempt(async () => {
    const lines = (await objects.fetchPodLog(pod, { tailLines: LOG_LINES })).split('\n').filter((line) => line.trim() !== '');
    const loud = lines.filter((line) => /level=(error|fatal|warning)|\b(error|fatal)\b/i.test(line));
    const shown = (loud.length > 0 ? loud : lines).slice(-SHOWN_LINES).map((line) => line.slice(0, 300));
    return shown.length === 0 ? [] : [`log of ${pod}: ${shown.join(' | ')}`];
  }, `the log of ${pod} could not be read`);
}

/** Events of this very engine, by the time they were last seen: a repeated one keeps its first time. */
export async function readEvents(kubernetes: KubernetesPort, engine: string, sinceServerAt: number): Promise<readonly string[]> {
  return attempt(async () => {
    const events = (await kubernetes.fetchEvents()).filter(
      ({ object, serverAt }) => object === `ChaosEngine/${engine}` && serverAt >= sinceServerAt,
    );
    const told = events
      .toSorted((one, other) => one.serverAt - other.serverAt)
      .map(
        ({ reason, count, serverAt }) =>
          `${reason}${count > 1 ? ` x${count}` : ''} ${new Date(serverAt).toISOString().slice(11, 19)}`,
      );
    return told.length === 0 ? [] : [`Litmus' events (the cluster's clock): ${told.join(', ')}`];
  }, 'the events of the engine could not be read');
}

/** Evidence that cannot be read is told as such: it never decides a proof. */
async function attempt(read: () => Promise<readonly string[]>, otherwise: string): Promise<string[]> {
  try {
    return [...(await read())];
  } catch (error) {
    if (error instanceof HarnessError) return [`${otherwise}: ${error.message}`];
    throw error;
  }
}
