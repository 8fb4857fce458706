/** Objects as one API group shows them. Events exist once and are served by two groups. */
import type { CoreEvent, KubeObject } from './objects.ts';
import type { ResourceDefinition } from './resources.ts';

export function present(resource: ResourceDefinition, object: KubeObject): KubeObject {
  return resource.group === 'events.k8s.io' ? newStyleEvent(object as CoreEvent) : object;
}

function newStyleEvent(event: CoreEvent): KubeObject {
  const { involvedObject, message, count, firstTimestamp, lastTimestamp, source, reportingComponent, ...rest } = event;
  const view = {
    ...rest,
    apiVersion: 'events.k8s.io/v1',
    regarding: involvedObject,
    note: message,
    reportingController: reportingComponent,
    action: event.reason,
    deprecatedCount: count,
    deprecatedFirstTimestamp: firstTimestamp,
    deprecatedLastTimestamp: lastTimestamp,
    deprecatedSource: source,
  };
  return view;
}
