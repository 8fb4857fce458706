/** What the lab's Kubernetes API is started with. */
import type { PodRuntime, Sabotage } from '../pod-runtime.ts';
import type { ControlClock } from './clock.ts';
import type { HpaTiming } from './controllers/decide-replicas.ts';
import type { HpaBehavior } from './objects.ts';

export interface WorkloadOptions {
  readonly kind: 'Deployment' | 'StatefulSet';
  /** Name of the workload, of its container, and `PodIdentity.workload` of its pods. */
  readonly name: string;
  /** Default: `{ app: name }`. Also the pods' labels and the selector. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly replicas: number;
  /** Nothing is pulled: pods run with this image, untagged or tagged `latest`, `next` or `previous`. Default `peakproof-lab/NAME`. */
  readonly image?: string;
  /** CPU request of a pod in thousandths; 1000 = a worker that is busy all the time. Default 1000. */
  readonly requestMilliCpu?: number;
  /** Seconds between SIGTERM and SIGKILL when a deletion does not say; default 30. */
  readonly terminationGracePeriodSeconds?: number;
  /** Shown in the pod and the Service. */
  readonly containerPort?: number;
  /** Path of the HTTP readiness probe on `containerPort`; absent: no probe in the template. */
  readonly readinessPath?: string;
  /** StatefulSet only; default `OrderedReady`, as in Kubernetes. */
  readonly podManagementPolicy?: 'OrderedReady' | 'Parallel';
}

export interface DisruptionBudgetOptions {
  readonly name: string;
  /** Default: `{ app: name }`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** A number, or a percentage as text. One of the two is given. */
  readonly minAvailable?: number | string;
  readonly maxUnavailable?: number | string;
}

export interface AutoscalerOptions {
  /** Default: the target's name. */
  readonly name?: string;
  /** Name of a Deployment. */
  readonly target: string;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Percent of the CPU request. */
  readonly targetUtilization: number;
  readonly behavior?: HpaBehavior;
}

/** An action that access reviews deny and requests are refused with 403. `*` matches everything. */
export interface DeniedRule {
  readonly verb: string;
  /** Empty: the core group. */
  readonly group: string;
  readonly resource: string;
  /** Absent: the resource itself only. */
  readonly subresource?: string;
}

export interface RestartBackoff {
  /** Delay before the second restart; the first is immediate. Doubles. Kubernetes: 10 s. */
  readonly initialMs: number;
  /** Kubernetes: 300 s. */
  readonly maxMs: number;
  /** A container that ran this long starts again without delay. Kubernetes: 600 s. */
  readonly resetAfterMs: number;
}

export interface KubernetesApiOptions {
  /** Name of the lab; the default context is `peakproof-lab-NAME`. */
  readonly name: string;
  readonly contextName?: string;
  /** Default `erp`. */
  readonly namespace?: string;
  /** Written with mode 0600 when given. */
  readonly kubeconfigPath?: string;
  /** Default 0: a free port. */
  readonly port?: number;
  readonly runtime: PodRuntime;
  readonly workloads: readonly WorkloadOptions[];
  readonly autoscalers?: readonly AutoscalerOptions[];
  readonly disruptionBudgets?: readonly DisruptionBudgetOptions[];
  /** Nodes, all of them this machine; default 1. */
  readonly nodes?: number;
  /** HPA sync period; Kubernetes: 15 s, also the default. */
  readonly syncPeriodMs?: number;
  /** How often usage is sampled; metrics-server: 15 s, also the default. */
  readonly metricResolutionMs?: number;
  readonly hpaTiming?: Partial<HpaTiming>;
  readonly restartBackoff?: Partial<RestartBackoff>;
  readonly denied?: readonly DeniedRule[];
  readonly sabotage?: Sabotage;
  readonly clock?: ControlClock;
  /** Changes kept for resuming watches. */
  readonly historyLimit?: number;
  /** Called with unexpected errors of a controller or a request; default: standard error. */
  readonly onError?: (error: unknown) => void;
}
