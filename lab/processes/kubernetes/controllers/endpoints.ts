/** Endpoints of each Service: ready pods under `addresses`, the others under `notReadyAddresses`. */
import { timestamp } from '../clock.ts';
import { referenceTo } from '../events.ts';
import { newUid } from '../naming.ts';
import { type Endpoints, isPodReady, type Pod, type Service } from '../objects.ts';
import { matchesLabels } from '../selectors.ts';
import type { ControllerContext } from './context.ts';

export function reconcileEndpoints(context: ControllerContext): void {
  const { store, clock } = context;
  for (const service of store.list('services')) {
    const subsets = subsetsOf(service, store.list('pods', service.metadata.namespace));
    const existing = store.get('endpoints', service.metadata.namespace, service.metadata.name);
    if (existing !== undefined) {
      store.mutate('endpoints', existing, (current) => ({ ...current, subsets }));
      continue;
    }
    store.create('endpoints', {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: {
        name: service.metadata.name,
        ...(service.metadata.namespace === undefined ? {} : { namespace: service.metadata.namespace }),
        uid: newUid(),
        creationTimestamp: timestamp(clock.now()),
        ...(service.metadata.labels === undefined ? {} : { labels: service.metadata.labels }),
      },
      subsets,
    });
  }
}

function subsetsOf(service: Service, pods: readonly Pod[]): Endpoints['subsets'] {
  const selected = pods.filter(
    (pod) =>
      pod.status.podIP !== undefined &&
      pod.metadata.deletionTimestamp === undefined &&
      matchesLabels(pod.metadata.labels, service.spec.selector),
  );
  if (selected.length === 0) return [];
  const addresses = (wanted: boolean) =>
    selected
      .filter((pod) => isPodReady(pod) === wanted)
      .map((pod) => {
        // A resourceVersion in the reference would change this object with every status of the pod.
        const { resourceVersion, ...targetRef } = referenceTo(pod);
        return { ip: pod.status.podIP ?? '', targetRef };
      });
  const [ready, notReady] = [addresses(true), addresses(false)];
  return [
    {
      ...(ready.length === 0 ? {} : { addresses: ready }),
      ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
      ports: service.spec.ports.map(({ name, port, protocol }) => ({ name, port, protocol })),
    },
  ];
}
