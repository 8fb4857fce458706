/**
 * Stand-in for CloudNativePG: one Cluster whose status follows what is done to it, as its operator makes it follow. Promotion by
 * `status.targetPrimary`, a lost primary pod, fences. Moved by looking at it; a clock says how far it is.
 */
import type { ApiObject, Clock } from '../../src/clients/ports.ts';

export interface OperatorOptions {
  readonly clock: Clock;
  readonly moveMs?: number;
  readonly rejoinMs?: number;
  /** It takes no notice of anything. */
  readonly absent?: boolean;
  readonly change?: (object: ApiObject) => ApiObject;
}

export interface StandInPod {
  readonly name: string;
  uid: string;
  ready: boolean;
}

export interface CloudNativePgOperator {
  readonly name: string;
  /** The object as it is now. */
  read(): ApiObject;
  pods(): readonly StandInPod[];
  /** A JSON merge patch on the object or its status. */
  patch(change: Readonly<Record<string, unknown>>, subresource?: string): ApiObject;
  /** False: there is no pod of that name and UID. */
  deletePod(name: string, uid: string): boolean;
  /** Whether the primary takes writes. */
  writable(): boolean;
}

export function createOperator({
  clock,
  moveMs = 3_000,
  rejoinMs = 4_000,
  absent = false,
  change,
}: OperatorOptions): CloudNativePgOperator {
  const pods: StandInPod[] = [1, 2, 3].map((n) => ({ name: `erp-db-${n}`, uid: `uid-${n}`, ready: true }));
  let status: Record<string, unknown> = {
    instances: 3,
    readyInstances: 3,
    instanceNames: pods.map(({ name }) => name),
    instancesStatus: { healthy: pods.map(({ name }) => name) },
    currentPrimary: 'erp-db-1',
    targetPrimary: 'erp-db-1',
    timelineID: 4,
    phase: 'Cluster in healthy state',
  };
  let annotations: Record<string, string> = {};
  let made = 3;
  let moving = false;
  const steps: { at: number; run: () => void }[] = [];
  const after = (ms: number, run: () => void): void => {
    if (!absent) steps.push({ at: clock.monotonic() + ms, run });
  };
  const fenced = (): readonly string[] => JSON.parse(annotations['cnpg.io/fencedInstances'] ?? '[]') as string[];
  const isFenced = (name: string): boolean => fenced().includes('*') || fenced().includes(name);
  const settle = (): void => {
    for (const step of steps.splice(0)) {
      if (step.at <= clock.monotonic()) step.run();
      else steps.push(step);
    }
    const { currentPrimary, targetPrimary } = status;
    if (!moving && currentPrimary !== targetPrimary && targetPrimary !== 'pending') move(String(targetPrimary));
    status = { ...status, readyInstances: pods.filter(({ ready }) => ready).length };
  };
  const podOf = (name: unknown): StandInPod | undefined => pods.find((pod) => pod.name === name);
  const heal = (): void => {
    status = { ...status, phase: 'Cluster in healthy state', phaseReason: '' };
  };
  const move = (to: string): void => {
    if (absent) return;
    moving = true;
    const old = podOf(status.currentPrimary);
    after(moveMs, () => {
      status = { ...status, currentPrimary: to, targetPrimary: to, timelineID: Number(status.timelineID) + 1 };
      moving = false;
      if (old !== undefined) old.ready = false;
      after(rejoinMs, () => {
        if (old !== undefined) old.ready = true;
        heal();
      });
    });
  };
  return {
    name: 'erp-db',
    read() {
      settle();
      const object: ApiObject = {
        apiVersion: 'postgresql.cnpg.io/v1',
        kind: 'Cluster',
        metadata: { name: 'erp-db', uid: 'cluster-uid', annotations },
        spec: { instances: 3, failoverDelay: 0 },
        status,
      };
      return change?.(object) ?? object;
    },
    pods: () => {
      settle();
      return pods;
    },
    patch(patch, subresource) {
      settle();
      if (subresource === 'status') {
        status = { ...status, ...(patch.status as Record<string, unknown>) };
      } else {
        const given = (patch.metadata as { annotations?: Record<string, string | null> } | undefined)?.annotations ?? {};
        const before = fenced();
        const kept = Object.entries({ ...annotations, ...given }).filter((entry): entry is [string, string] => entry[1] !== null);
        annotations = Object.fromEntries(kept);
        for (const pod of pods) {
          // The server is shut down, or started again by the same instance; nobody takes over.
          if (isFenced(pod.name) && !before.includes(pod.name)) after(500, () => Object.assign(pod, { ready: false }));
          if (!isFenced(pod.name) && before.includes(pod.name)) after(1_000, () => Object.assign(pod, { ready: true }));
        }
      }
      return this.read();
    },
    deletePod(name, uid) {
      settle();
      const pod = pods.find((one) => one.name === name && one.uid === uid);
      if (pod === undefined) return false;
      made += 1;
      Object.assign(pod, { uid: `uid-${made}`, ready: false });
      if (status.currentPrimary === name && !absent) {
        const next = pods.find((one) => one.ready && one.name !== name);
        status = { ...status, targetPrimary: next?.name ?? 'pending', phase: 'Failing over', phaseReason: `${name} is gone` };
      } else {
        after(rejoinMs, () => Object.assign(pod, { ready: true }));
      }
      return true;
    },
    writable() {
      settle();
      return !moving && podOf(status.currentPrimary)?.ready === true;
    },
  };
}
