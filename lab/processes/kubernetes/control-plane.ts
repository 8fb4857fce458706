/** The cluster without its HTTP side: the store, the controllers and the clock that drives them. */
import type { PodRuntime, Sabotage } from '../pod-runtime.ts';
import { type ControlClock, every } from './clock.ts';
import { defaultTiming } from './controllers/decide-replicas.ts';
import { reconcileDeployments } from './controllers/deployment.ts';
import { reconcileDisruptionBudgets } from './controllers/disruption.ts';
import { reconcileEndpoints } from './controllers/endpoints.ts';
import { HpaController } from './controllers/hpa.ts';
import { Kubelet } from './controllers/kubelet.ts';
import { ControlLoop } from './controllers/loop.ts';
import { reconcileReplicaSets } from './controllers/replicaset.ts';
import { scheduleNewPods } from './controllers/scheduling.ts';
import { reconcileStatefulSets } from './controllers/statefulset.ts';
import { EventRecorder } from './events.ts';
import { UsageMetrics } from './metrics.ts';
import type { Pod } from './objects.ts';
import type { KubernetesApiOptions } from './options.ts';
import {
  imageOfWorkload,
  newAutoscaler,
  newDeployment,
  newDisruptionBudget,
  newNamespace,
  newNode,
  newService,
  newStatefulSet,
  nodeNames,
} from './seed-objects.ts';
import { Store } from './store.ts';

export interface ControlPlaneOptions extends Omit<KubernetesApiOptions, 'name' | 'port' | 'kubeconfigPath' | 'denied'> {
  readonly runtime: PodRuntime;
  readonly sabotage?: Sabotage;
  readonly namespace: string;
  readonly clock: ControlClock;
  readonly onError: (error: unknown) => void;
}

export interface ControlPlane {
  readonly store: Store;
  readonly events: EventRecorder;
  readonly metrics: UsageMetrics;
  /** Deletes a pod: graceful unless 0; answers the pod as it is marked. */
  terminate(pod: Pod, graceSeconds: number): Pod;
  /** Controllers begin to act. */
  start(): void;
  close(options: { readonly stopPods: boolean; readonly graceSeconds: number }): Promise<void>;
}

export function createControlPlane(options: ControlPlaneOptions): ControlPlane {
  const { clock, namespace, runtime, onError } = options;
  const store = new Store(options.historyLimit === undefined ? {} : { historyLimit: options.historyLimit });
  const events = new EventRecorder(store, clock, namespace);
  const metrics = new UsageMetrics(store, runtime, clock);
  const loop = new ControlLoop(round, onError);
  const backoff = { initialMs: 10_000, maxMs: 300_000, resetAfterMs: 600_000, ...options.restartBackoff };
  const imageOf = (name: string) => imageOfWorkload(options.workloads.find((workload) => workload.name === name) ?? { name });
  const kubelet = new Kubelet({ store, runtime, clock, events, backoff, onError, wake: () => loop.wake(), imageOf });
  const terminate = (pod: Pod, graceSeconds: number) => kubelet.terminate(pod, graceSeconds);
  const alarms = new Map<string, { readonly at: number; readonly cancel: () => void }>();
  const wakeAt = (key: string, at: number): void => {
    if (alarms.get(key)?.at === at) return;
    alarms.get(key)?.cancel();
    const cancel = clock.after(Math.max(0, at - clock.now()), () => loop.wake());
    alarms.set(key, { at, cancel });
  };
  const context = { store, clock, events, terminate, wakeAt };
  const hpa = new HpaController({
    context,
    metrics,
    timing: { ...defaultTiming, ...options.hpaTiming },
    ignoreScaleUp: options.sabotage?.['ignore-scale-up'] === true,
  });
  const cancels: (() => void)[] = [];

  function round(): void {
    kubelet.sync();
    reconcileDeployments(context);
    reconcileReplicaSets(context);
    reconcileStatefulSets(context);
    scheduleNewPods(context);
    reconcileDisruptionBudgets(context);
    reconcileEndpoints(context);
  }

  function guarded(action: () => void): () => void {
    return () => {
      try {
        action();
      } catch (error) {
        onError(error);
      }
    };
  }

  seed(store, options);
  return {
    store,
    events,
    metrics,
    terminate,
    start: () => {
      // Events change nothing that a controller looks at.
      cancels.push(store.onChange((change) => change.resource !== 'events' && loop.wake()));
      runtime.onChange(() => loop.wake());
      cancels.push(
        every(
          clock,
          options.metricResolutionMs ?? 15_000,
          guarded(() => metrics.sample()),
        ),
      );
      cancels.push(
        every(
          clock,
          options.syncPeriodMs ?? 15_000,
          guarded(() => hpa.sync()),
        ),
      );
      loop.wake();
    },
    close: async (closing) => {
      for (const cancel of [...cancels, ...[...alarms.values()].map((alarm) => alarm.cancel)]) cancel();
      loop.close();
      await kubelet.close(closing);
    },
  };
}

function seed(store: Store, options: ControlPlaneOptions): void {
  const { namespace } = options;
  const nowMs = options.clock.now();
  store.create('namespaces', newNamespace('default', nowMs));
  if (namespace !== 'default') store.create('namespaces', newNamespace(namespace, nowMs));
  for (const name of nodeNames(options.nodes ?? 1)) store.create('nodes', newNode(name, nowMs));
  for (const workload of options.workloads) {
    if (workload.kind === 'Deployment') store.create('deployments', newDeployment(workload, namespace, nowMs));
    else store.create('statefulsets', newStatefulSet(workload, namespace, nowMs));
    store.create('services', newService(workload, namespace, nowMs));
  }
  for (const budget of options.disruptionBudgets ?? []) {
    store.create('poddisruptionbudgets', newDisruptionBudget(budget, namespace, nowMs));
  }
  for (const autoscaler of options.autoscalers ?? []) {
    store.create('horizontalpodautoscalers', newAutoscaler(autoscaler, namespace, nowMs));
  }
}
