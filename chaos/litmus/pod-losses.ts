/** Which pods were taken, and between which two looks. Pure: the fault's window is cut from this, not from our own call. */
import type { PodView } from '../../src/clients/ports.ts';
import type { LitmusProof } from '../../src/model/plan.ts';
import type { PodName } from '../kubernetes/replaced-pods.ts';

export interface PodLoss extends PodName {
  /** The last look that still saw it whole. */
  readonly afterAt: number;
  /** The look that saw it going, gone or restarted. */
  readonly seenAt: number;
}

export interface PodLedger {
  /** Begin of the last look. */
  readonly lookedAt: number;
  readonly whole: ReadonlyMap<string, { readonly name: string; readonly restarts: number }>;
  readonly losses: readonly PodLoss[];
  /** Replicas that the owner has stopped asking for since the start: so many pods may have gone for that reason. */
  readonly scaledIn: number;
  readonly wantedReplicas: number | null;
}

/** What of a pod matters here. */
type SeenPod = Pick<PodView, 'name' | 'uid' | 'phase' | 'deleting' | 'restarts'>;

interface Look {
  readonly pods: readonly SeenPod[];
  readonly wantedReplicas: number | null;
  readonly at: number;
}

/** Nothing lost yet: every pod that is not on its way out counts as whole. */
export function startLedger({ pods, wantedReplicas, at }: Look): PodLedger {
  return { lookedAt: at, whole: wholePods(pods), losses: [], scaledIn: 0, wantedReplicas };
}

/** New pods are watched from now on: a later round may hit a replacement. */
export function lookAgain(ledger: PodLedger, { pods, wantedReplicas, at }: Look, proof: LitmusProof): PodLedger {
  const now = wholePods(pods);
  const lost = [...ledger.whole].filter(([uid, { restarts }]) => {
    const pod = now.get(uid);
    return proof === 'containers-restarted' ? pod !== undefined && pod.restarts > restarts : pod === undefined;
  });
  const fewer = ledger.wantedReplicas === null || wantedReplicas === null ? 0 : ledger.wantedReplicas - wantedReplicas;
  return {
    lookedAt: at,
    whole: now,
    losses: [...ledger.losses, ...lost.map(([uid, { name }]) => ({ uid, name, afterAt: ledger.lookedAt, seenAt: at }))],
    scaledIn: ledger.scaledIn + Math.max(0, fewer),
    wantedReplicas: wantedReplicas ?? ledger.wantedReplicas,
  };
}

function wholePods(pods: readonly SeenPod[]): PodLedger['whole'] {
  const whole = pods.filter(({ deleting, phase }) => !deleting && phase !== 'Succeeded' && phase !== 'Failed');
  return new Map(whole.map(({ uid, name, restarts }) => [uid, { name, restarts }]));
}
