/** Shows by UID that a new revision's pods came, and what became of them and of the old ones. */
import { awaitCondition, formatSeconds } from '../../src/clients/await-condition.ts';
import type { FaultContext, Proof } from '../fault.ts';
import { requireDoor } from '../require-door.ts';
import type { RolloutPod, RolloutProgress } from './roll-out.ts';

export interface ExpectedRollout {
  readonly kind: string;
  readonly deployment: string;
  readonly before: readonly string[];
  /** `stuck`: no pod of the new revision may get Ready. `either`: proven as soon as pods came, whatever became of them. */
  readonly expected: 'complete' | 'stuck' | 'either';
  readonly proveWithinMs: number;
}

export async function proveRollout(
  { kind, deployment, before, expected, proveWithinMs }: ExpectedRollout,
  progress: RolloutProgress,
  context: FaultContext,
): Promise<Proof> {
  const kubernetes = requireDoor(context, 'kubernetes', kind);
  const { clock, signal } = context;
  const startedAt = clock.monotonic();
  const waiting = { clock, signal };
  await awaitCondition('the end of the rollout', async () => progress.outcome, {
    ...waiting,
    until: (outcome) => outcome !== null,
    describe: () => `${progress.fresh.size} new pods`,
    timeoutMs: proveWithinMs,
  });
  const { outcome } = progress;
  const fresh = [...progress.fresh.values()];
  const ready = fresh.filter(({ wasReady }) => wasReady);
  const came = fresh.length === 0 ? 'no pod of a new revision came' : `new pods: ${list(fresh)}`;
  const result = `${outcome?.result} after ${formatSeconds(outcome?.tookMs ?? 0)}: ${outcome?.reason}`;
  if (outcome?.result !== 'complete') {
    const evidence = [
      came,
      `${ready.length} of ${fresh.length} got Ready`,
      `old pods Ready at least: ${progress.fewestOldReady ?? 0} of ${before.length}`,
      result,
    ];
    return { proven: fresh.length > 0 && (expected === 'either' || (expected === 'stuck' && ready.length === 0)), evidence };
  }
  if (expected === 'stuck') {
    const evidence = [came, `${ready.length} of ${fresh.length} got Ready although none should have`, result];
    return { proven: false, evidence };
  }
  const { selector } = await kubernetes.fetchDeployment(deployment);
  const old = new Set(before);
  const left = await awaitCondition('the old pods gone', () => kubernetes.fetchPods(selector), {
    ...waiting,
    until: (pods) => !pods.some(({ uid }) => old.has(uid)),
    describe: (pods) =>
      `still there: ${pods
        .filter(({ uid }) => old.has(uid))
        .map(({ name }) => name)
        .join(', ')}`,
    timeoutMs: Math.max(1, proveWithinMs - (clock.monotonic() - startedAt)),
  });
  return {
    proven: ready.length > 0 && left.length > 0,
    evidence: [came, `gone: all ${before.length} pods of the revision before`, result],
  };
}

function list(pods: readonly RolloutPod[]): string {
  return pods.map(({ name, uid }) => `${name} (${uid})`).join(', ');
}
