import type { Clock, EventView, KubernetesPort } from '../../clients/ports.ts';
import type { KubernetesTarget } from '../../model/plan.ts';
import type { ObserverSource } from './observer-loop.ts';

/** HPA, deployment, its pods and what they use, the namespace's events, nodes. */
export function kubernetesSources(kubernetes: KubernetesPort, target: KubernetesTarget, clock: Clock): readonly ObserverSource[] {
  const { deployment, hpa } = target;
  return [
    ...(hpa === undefined ? [] : [hpaSource(kubernetes, hpa, clock)]),
    {
      source: 'deployment',
      async look() {
        const { name, replicas, readyReplicas, updatedReplicas } = await kubernetes.fetchDeployment(deployment);
        return [{ at: clock.now(), source: 'deployment', name, replicas, readyReplicas, updatedReplicas }];
      },
    },
    podsSource(kubernetes, deployment, clock),
    podMetricsSource(kubernetes, deployment, clock),
    eventsSource(kubernetes, clock),
    ...(target.namespaceOnly === true ? [] : [nodesSource(kubernetes, clock)]),
  ];
}

function nodesSource(kubernetes: KubernetesPort, clock: Clock): ObserverSource {
  return {
    source: 'nodes',
    async look() {
      const nodes = await kubernetes.fetchNodeMetrics();
      return [{ at: clock.now(), source: 'nodes', nodes }];
    },
  };
}

function hpaSource(kubernetes: KubernetesPort, name: string, clock: Clock): ObserverSource {
  return {
    source: 'hpa',
    async look() {
      const { behavior: _, ...view } = await kubernetes.fetchHpa(name);
      return [{ at: clock.now(), source: 'hpa', ...view }];
    },
  };
}

function podsSource(kubernetes: KubernetesPort, deployment: string, clock: Clock): ObserverSource {
  let selector: string | null = null;
  return {
    source: 'pods',
    async look() {
      selector ??= (await kubernetes.fetchDeployment(deployment)).selector;
      const pods = await kubernetes.fetchPods(selector);
      const at = clock.now();
      return [{ at, source: 'pods', pods: pods.map(({ labels: _, owner: __, ...pod }) => pod) }];
    },
  };
}

/** The metrics API holds each figure until the next scrape: a look that brings nothing new is not written. */
function podMetricsSource(kubernetes: KubernetesPort, deployment: string, clock: Clock): ObserverSource {
  let selector: string | null = null;
  let known: ReadonlyMap<string, number | null> = new Map();
  return {
    source: 'pod-metrics',
    async look() {
      selector ??= (await kubernetes.fetchDeployment(deployment)).selector;
      const uses = await kubernetes.fetchPodMetrics(selector);
      const before = known;
      known = new Map(uses.map(({ name, serverAt }) => [name, serverAt]));
      const fresh = uses.filter(({ name, serverAt }) => serverAt === null || before.get(name) !== serverAt);
      return fresh.length === 0 ? [] : [{ at: clock.now(), source: 'pod-metrics', pods: fresh }];
    },
  };
}

/** The first look only notes what is old; from then on each event is written once, and again each time it happened again. */
function eventsSource(kubernetes: KubernetesPort, clock: Clock): ObserverSource {
  let known: ReadonlySet<string> | null = null;
  const key = ({ object, reason, message, count, serverAt }: EventView): string =>
    JSON.stringify([object, reason, message, count, serverAt]);
  return {
    source: 'events',
    async look() {
      const events = await kubernetes.fetchEvents();
      const at = clock.now();
      const before = known;
      known = new Set(events.map(key));
      if (before === null) return [];
      const fresh = events.filter((event) => !before.has(key(event))).sort((one, other) => one.serverAt - other.serverAt);
      return fresh.map((event) => ({ at, source: 'events', ...event }));
    },
  };
}
