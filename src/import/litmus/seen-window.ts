/** The window of a fault from what the run's own observers saw of the pods while Litmus worked. Pure. */
import { lookAgain, type PodLedger, type PodLoss, startLedger } from '../../../chaos/litmus/pod-losses.ts';
import type { Observation, PodObservation } from '../../model/run-records.ts';

export interface SeenWindow {
  readonly losses: readonly PodLoss[];
  readonly scaledIn: number;
  /** Looks at the pods in that time. */
  readonly looks: number;
  /** First look after the last loss that saw as many pods ready as before, or as were wanted by then; null: none did. */
  readonly replacedAt: number | null;
  readonly replacements: readonly string[];
}

type PodsSeen = Extract<Observation, { readonly source: 'pods' }>;

/** Instants of the harness's clock, both ends included. */
export function seenBetween(observations: readonly Observation[], fromAt: number, untilAt: number): SeenWindow {
  let ledger: PodLedger | null = null;
  let wantedReplicas: number | null = null;
  let readyBefore = 0;
  let looks = 0;
  for (const seen of observations) {
    if (seen.at > untilAt) break;
    if (seen.source === 'deployment') wantedReplicas = seen.replicas;
    if (seen.source !== 'pods') continue;
    const look = { pods: seen.pods, wantedReplicas, at: seen.at };
    if (seen.at < fromAt || ledger === null) {
      ledger = startLedger(look);
      readyBefore = readyPods(seen).length;
    } else {
      ledger = lookAgain(ledger, look, 'pods-gone');
      looks += 1;
    }
  }
  const losses = ledger?.losses ?? [];
  return {
    losses,
    scaledIn: ledger?.scaledIn ?? 0,
    looks,
    ...replaced(observations, losses, Math.min(readyBefore, wantedReplicas ?? readyBefore)),
  };
}

function replaced(
  observations: readonly Observation[],
  losses: readonly PodLoss[],
  wanted: number,
): Pick<SeenWindow, 'replacedAt' | 'replacements'> {
  const [first] = losses;
  const lastAt = losses.at(-1)?.seenAt ?? 0;
  const looks = observations.filter((seen): seen is PodsSeen => seen.source === 'pods');
  const back = first === undefined ? undefined : looks.find((seen) => seen.at > lastAt && readyPods(seen).length >= wanted);
  if (first === undefined || back === undefined) return { replacedAt: null, replacements: [] };
  const before = new Set(looks.filter(({ at }) => at <= first.afterAt).flatMap(({ pods }) => pods.map(({ uid }) => uid)));
  const fresh = readyPods(back).filter(({ uid }) => !before.has(uid));
  return { replacedAt: back.at, replacements: fresh.map(({ name }) => name) };
}

function readyPods({ pods }: PodsSeen): readonly PodObservation[] {
  return pods.filter(({ ready, deleting }) => ready && !deleting);
}
