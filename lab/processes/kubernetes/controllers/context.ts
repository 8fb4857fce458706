/** What every controller works with. */
import type { ControlClock } from '../clock.ts';
import { timestamp } from '../clock.ts';
import type { EventRecorder } from '../events.ts';
import { newUid } from '../naming.ts';
import type { KubeObject, Pod, PodTemplate } from '../objects.ts';
import { ownerReference } from '../objects.ts';
import type { Store } from '../store.ts';

export interface ControllerContext {
  readonly store: Store;
  readonly clock: ControlClock;
  readonly events: EventRecorder;
  /** Deletes a pod gracefully; 0 is at once. */
  readonly terminate: (pod: Pod, graceSeconds: number) => void;
  /** Asks for another round of the controllers at an instant; a later call with the same key takes the place of an earlier one. */
  readonly wakeAt: (key: string, at: number) => void;
}

export function graceSecondsOf(pod: Pod): number {
  return pod.spec.terminationGracePeriodSeconds ?? 30;
}

/** Without a node; the scheduler gives it one. */
export function newPod(
  name: string,
  template: PodTemplate,
  owner: KubeObject,
  options: { readonly nowMs: number; readonly labels?: Readonly<Record<string, string>>; readonly generateName?: string },
): Pod {
  const now = timestamp(options.nowMs);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      ...(options.generateName === undefined ? {} : { generateName: options.generateName }),
      ...(owner.metadata.namespace === undefined ? {} : { namespace: owner.metadata.namespace }),
      uid: newUid(),
      creationTimestamp: now,
      labels: { ...template.metadata.labels, ...options.labels },
      ...(template.metadata.annotations === undefined ? {} : { annotations: template.metadata.annotations }),
      ownerReferences: [ownerReference(owner)],
    },
    spec: template.spec,
    status: { phase: 'Pending', conditions: [], qosClass: 'Burstable' },
  };
}
