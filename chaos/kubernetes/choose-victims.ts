/** Which pods a kill takes, and whether that is still within the blast radius. Pure. */
import type { PodView } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';
import type { KillPodsSpec } from '../../src/model/plan.ts';

export interface Victims {
  readonly victims: readonly PodView[];
  /** Pods of the selector that serve or should: not finished, not on their way out. */
  readonly matching: readonly PodView[];
  /** Pods that would be down after the kill, those included that are not ready already. */
  readonly affected: number;
}

/** Throws ERR_SELECTOR_EMPTY or ERR_BLAST_RADIUS. Takes the oldest ready pods, so that the same cluster gives the same choice. */
export function chooseVictims(spec: KillPodsSpec, pods: readonly PodView[], place: string): Victims {
  const matching = pods.filter((pod) => !pod.deleting && pod.phase !== 'Succeeded' && pod.phase !== 'Failed');
  if (matching.length === 0) {
    throw new HarnessError('ERR_SELECTOR_EMPTY', `no running pod in ${place} matches ${spec.selector}`, {
      hint: `compare with: kubectl get pods --show-labels; ${pods.length} finished or ending pods match`,
    });
  }
  const wanted = 'count' in spec.amount ? spec.amount.count : shareOf(spec.amount.shareRatio, matching.length);
  const unready = matching.filter((pod) => !pod.ready).sort(byAge);
  const victims = [...matching.filter((pod) => pod.ready).sort(byAge), ...unready].slice(0, wanted);
  const affected = new Set([...victims, ...unready].map((pod) => pod.uid)).size;
  const allowed = Math.floor(spec.maxAffectedRatio * matching.length + 1e-9);
  if (wanted > matching.length || affected > allowed) {
    const already = unready.length === 0 ? '' : ` (${unready.length} not ready already)`;
    throw new HarnessError(
      'ERR_BLAST_RADIUS',
      `killing ${wanted} of ${matching.length} pods ${spec.selector} in ${place} would leave ${Math.max(wanted, affected)} down${already}; ` +
        `maxAffected ${Math.round(spec.maxAffectedRatio * 100)} % allows ${allowed}`,
      { hint: 'kill fewer, run more replicas, or raise maxAffected of this fault' },
    );
  }
  return { victims, matching, affected };
}

/** A share is rounded up and takes at least one pod. */
function shareOf(ratio: number, total: number): number {
  return Math.max(1, Math.ceil(ratio * total - 1e-9));
}

function byAge(one: PodView, other: PodView): number {
  return one.createdServerAt - other.createdServerAt || one.name.localeCompare(other.name);
}
