/** Watches a rollout until it is complete or stuck, and remembers which pods it brought. */
import { awaitCondition, formatSeconds } from '../../src/clients/await-condition.ts';
import type { Clock, KubernetesPort, PodView, ReplicaSetView, RolloutView } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';

export interface RolloutPod {
  readonly name: string;
  readonly uid: string;
  /** Was Ready at least once while it was watched. */
  readonly wasReady: boolean;
}

export interface RolloutOutcome {
  readonly result: 'complete' | 'stuck';
  /** What was seen last: `2 of 2 pods replaced`, or why it does not go on. */
  readonly reason: string;
  /** Of the monotonic clock. */
  readonly tookMs: number;
}

/** Filled by the watcher while the rollout lasts; read by the proof. */
export interface RolloutProgress {
  outcome: RolloutOutcome | null;
  /** Pods of the new revision that were ever seen, by UID. */
  readonly fresh: Map<string, RolloutPod>;
  /** Fewest pods of the revision before that were Ready at one look; null: never looked. */
  fewestOldReady: number | null;
}

export function newProgress(): RolloutProgress {
  return { outcome: null, fresh: new Map(), fewestOldReady: null };
}

/** Container states that do not mend themselves; `ErrImagePull` may still, and turns into `ImagePullBackOff` when it does not. */
const HOPELESS: ReadonlySet<string> = new Set([
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'ImageInspectError',
  'CreateContainerConfigError',
  'CreateContainerError',
  'CrashLoopBackOff',
]);

interface Look {
  readonly rollout: RolloutView;
  readonly current: ReplicaSetView | null;
  readonly fresh: readonly PodView[];
  readonly old: readonly PodView[];
}

export interface RolloutWatch {
  readonly deployment: string;
  /** UIDs of the pods that were there before. */
  readonly before: readonly string[];
  /** Revision before, by the UID of its ReplicaSet. */
  readonly replicaSetBefore: string;
  readonly withinMs: number;
  readonly readyWithinMs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** Resolves with the outcome, which it also writes to `progress`. Rejects only with the signal's reason. */
export async function watchRollout(
  kubernetes: KubernetesPort,
  watch: RolloutWatch,
  progress: RolloutProgress,
): Promise<RolloutOutcome> {
  const { clock, deployment } = watch;
  const startedAt = clock.monotonic();
  const firstSeenAt = new Map<string, number>();
  const conclude = (result: RolloutOutcome['result'], reason: string): RolloutOutcome => {
    const outcome = { result, reason, tookMs: clock.monotonic() - startedAt };
    progress.outcome = outcome;
    return outcome;
  };
  const judge = (look: Look): { readonly result: RolloutOutcome['result']; readonly reason: string } | null => {
    if (isComplete(look)) return { result: 'complete', reason: describe(look) };
    const reason = whyStuck(look, (pod) => clock.monotonic() - (firstSeenAt.get(pod.uid) ?? clock.monotonic()), watch);
    return reason === null ? null : { result: 'stuck', reason };
  };
  try {
    const look = await awaitCondition(
      `the rollout of ${deployment}`,
      async () => {
        const seen = await lookAt(kubernetes, watch);
        for (const pod of seen.fresh) if (!firstSeenAt.has(pod.uid)) firstSeenAt.set(pod.uid, clock.monotonic());
        remember(progress, seen);
        return seen;
      },
      {
        until: (seen) => judge(seen) !== null,
        describe,
        timeoutMs: watch.withinMs,
        clock,
        ...(watch.signal === undefined ? {} : { signal: watch.signal }),
      },
    );
    const { result, reason } = judge(look) ?? { result: 'stuck' as const, reason: describe(look) };
    return conclude(result, reason);
  } catch (error) {
    if (error instanceof HarnessError && error.code === 'ERR_TIMEOUT') return conclude('stuck', error.message);
    throw error;
  }
}

async function lookAt(kubernetes: KubernetesPort, watch: RolloutWatch): Promise<Look> {
  const { rollouts } = kubernetes;
  const [rollout, sets, { selector }] = await Promise.all([
    rollouts.fetchRollout(watch.deployment),
    rollouts.fetchReplicaSets(watch.deployment),
    kubernetes.fetchDeployment(watch.deployment),
  ]);
  const pods = (await kubernetes.fetchPods(selector)).filter(({ deleting }) => !deleting);
  const current = currentReplicaSet(rollout, sets);
  const ofSet = (uid: string): readonly PodView[] => {
    const name = sets.find((set) => set.uid === uid)?.name;
    return pods.filter(({ owner }) => owner?.name === name);
  };
  const moved = current !== null && current.uid !== watch.replicaSetBefore;
  return { rollout, current: moved ? current : null, fresh: moved ? ofSet(current.uid) : [], old: ofSet(watch.replicaSetBefore) };
}

/** The ReplicaSet of the Deployment's present template; null while the controller has not made it. */
export function currentReplicaSet(rollout: RolloutView, sets: readonly ReplicaSetView[]): ReplicaSetView | null {
  if (!rollout.observed) return null;
  return sets.find(({ revision }) => revision !== null && revision === rollout.revision) ?? null;
}

function remember(progress: RolloutProgress, { current, fresh, old }: Look): void {
  if (current === null) return;
  for (const { name, uid, ready } of fresh) {
    progress.fresh.set(uid, { name, uid, wasReady: ready || progress.fresh.get(uid)?.wasReady === true });
  }
  const ready = old.filter((pod) => pod.ready).length;
  progress.fewestOldReady = Math.min(progress.fewestOldReady ?? ready, ready);
}

/** As `kubectl rollout status` decides it. */
export function isRolledOut({ observed, updated, replicas, existing, available }: RolloutView): boolean {
  return observed && updated >= replicas && existing <= updated && available >= updated;
}

function isComplete({ rollout, current }: Look): boolean {
  return current !== null && isRolledOut(rollout);
}

function whyStuck({ rollout, current, fresh }: Look, ageMs: (pod: PodView) => number, watch: RolloutWatch): string | null {
  if (current === null) return null;
  const hopeless = fresh.find(({ waiting = '' }) => HOPELESS.has(waiting));
  if (hopeless !== undefined) return `pod ${hopeless.name}: ${wordsOf(hopeless)}`;
  const { progressing } = rollout;
  if (progressing?.reason === 'ProgressDeadlineExceeded') return `${progressing.reason}: ${progressing.message}`;
  const slow = fresh.find((pod) => !pod.ready && ageMs(pod) >= watch.readyWithinMs);
  if (slow === undefined) return null;
  return `pod ${slow.name} is not Ready ${formatSeconds(watch.readyWithinMs)} after it came: ${wordsOf(slow)}`;
}

function wordsOf({ waiting, waitingMessage, phase }: PodView): string {
  if (waiting === undefined) return `${phase}, its readiness check does not pass`;
  return waitingMessage === undefined ? waiting : `${waiting}: ${waitingMessage}`;
}

function describe({ rollout, current, fresh }: Look): string {
  if (current === null) return 'no new revision yet';
  const { replicas, updated, existing, available } = rollout;
  return (
    `revision ${current.revision}: ${updated} of ${replicas} pods updated, ${available} available, ` +
    `${Math.max(0, existing - updated)} old ones left, ${fresh.filter(({ ready }) => ready).length} new ones Ready`
  );
}
