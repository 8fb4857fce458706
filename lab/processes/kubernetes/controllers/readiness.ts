/** What a container's readiness probe asks, as far as the lab runs it: an HTTP GET. */
import type { ReadinessCheck } from '../../pod-runtime.ts';
import { valueAt } from '../json.ts';
import type { Container } from '../objects.ts';

/** Null: no probe, so the pod is Ready as soon as its program listens. */
export function readinessOf(container: Container | undefined): ReadinessCheck | null {
  const get = valueAt(container, 'readinessProbe.httpGet');
  if (get === undefined) return null;
  const path = valueAt(get, 'path');
  const port = valueAt(get, 'port');
  const ports = Array.isArray(container?.ports) ? container.ports : [];
  // Nothing else listens in a pod's network.
  const portOpen = ports.some((own) => valueAt(own, 'containerPort') === port || valueAt(own, 'name') === port);
  return { path: typeof path === 'string' ? path : '/', portOpen };
}
