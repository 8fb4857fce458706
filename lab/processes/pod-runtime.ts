/**
 * The seam between the lab's Kubernetes API and the processes behind its pods. The API side decides which pods should be
 * (replica counts, deletions); the runtime starts and stops real processes for them and says how they are.
 */
export interface PodIdentity {
  /** Workload that owns the pod: `erp` (Deployment) or `postgres` (StatefulSet). */
  readonly workload: string;
  readonly name: string;
  readonly uid: string;
}

export interface PodStatus {
  readonly pid: number | null;
  readonly state: 'starting' | 'running' | 'terminating' | 'exited';
  /** Passed its readiness check. */
  readonly ready: boolean;
  readonly port: number | null;
  /** Seconds of service delivered since the process started; its growth is the "CPU" that metrics.k8s.io reports. */
  readonly busySeconds: number;
  readonly memoryBytes: number;
  readonly exitCode: number | null;
  readonly exitSignal: string | null;
}

/** An HTTP GET of the pod's own program. */
export interface ReadinessCheck {
  readonly path: string;
  /** False: it asks a port on which the program does not listen, so it never passes. */
  readonly portOpen: boolean;
}

export interface PodRuntime {
  /** Starts the process of a pod; resolves when it was spawned, not when ready. `readiness` null: ready as soon as it listens. */
  start(pod: PodIdentity, options: { readonly readiness: ReadinessCheck | null }): Promise<void>;
  /** SIGTERM, then SIGKILL after the grace period; 0 is SIGKILL at once. Resolves when the process is gone. */
  stop(pod: PodIdentity, options: { readonly graceSeconds: number }): Promise<void>;
  status(uid: string): PodStatus | null;
  /** Called for every change of any pod's status. */
  onChange(listener: (uid: string) => void): void;
}

/** Switches that make the lab misbehave; see docs of the lab. */
export interface Sabotage {
  readonly 'lose-acknowledged-writes'?: number;
  readonly 'duplicate-orders'?: number;
  readonly 'never-recover'?: true;
  readonly 'ignore-scale-up'?: true;
  readonly 'redis-not-on-path'?: true;
  readonly 'unbalanced-entries'?: number;
  readonly 'slow-baseline'?: true;
  readonly 'kill-does-nothing'?: true;
}
