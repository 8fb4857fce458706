/** Proofs of experiments that replace no pods. */
import { awaitCondition } from '../../src/clients/await-condition.ts';
import type { Clock, KubernetesPort } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';
import type { Proof } from '../fault.ts';
import type { PodName } from '../kubernetes/replaced-pods.ts';
import { lookAtWorkload } from '../kubernetes/workload.ts';
import type { ResultView } from './read-objects.ts';

/** Each pod whose restart count was seen growing has restarts and is ready again. */
export async function proveRestarted(
  kubernetes: KubernetesPort,
  pods: { readonly selector: string; readonly deployment: string | null; readonly taken: readonly PodName[] },
  waits: { readonly clock: Clock; readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<Proof> {
  const uids = new Set(pods.taken.map(({ uid }) => uid));
  try {
    const look = await awaitCondition('restarted pods ready', () => lookAtWorkload(kubernetes, pods.selector, pods.deployment), {
      until: ({ pods: seen }) => seen.filter(({ uid }) => uids.has(uid)).every(({ ready }) => ready),
      describe: ({ ready }) => `${ready.length} pods ready`,
      ...waits,
    });
    const told = look.pods.filter(({ uid }) => uids.has(uid)).map(({ name, restarts }) => `${name} (${restarts} restarts)`);
    return { proven: pods.taken.length > 0, evidence: [`restarted: ${told.join(', ')}`] };
  } catch (error) {
    if (error instanceof HarnessError) return { proven: false, evidence: [error.message] };
    throw error;
  }
}

/** Litmus' word alone: the experiment of this run was carried out. */
export function proveByResult(result: ResultView | null, ended: boolean): Proof {
  if (!ended) return { proven: true, evidence: ["the experiment of this run is running, by Litmus' word alone"] };
  if (result === null) return { proven: false, evidence: ['Litmus left no result of this run to go by'] };
  const ran =
    result.verdict === 'Pass' || result.verdict === 'Fail' || (result.verdict === 'Stopped' && result.targets.length > 0);
  const targets = result.targets.map(({ kind, name, status }) => `${kind} ${name} ${status}`).join(', ');
  return {
    proven: ran,
    evidence: [`by Litmus' word alone (this plan asks for no other proof): ${targets === '' ? 'no target named' : targets}`],
  };
}
