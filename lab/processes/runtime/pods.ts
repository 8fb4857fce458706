/** Real processes behind the lab's pods: ERP workers and the members of the PostgreSQL pair. */
import { LabError, messageOf } from '../lab-error.ts';
import type { WorkerAddress } from '../network/worker-pool.ts';
import type { PatroniCluster } from '../patroni/cluster.ts';
import type { PodIdentity, PodRuntime, PodStatus, ReadinessCheck } from '../pod-runtime.ts';
import { ErpPod } from './erp-pod.ts';
import type { ErpSettings } from './erp-program.ts';
import { PostgresPod } from './postgres-pod.ts';

export interface ProcessPodsOptions {
  readonly cluster: PatroniCluster;
  readonly erp: ErpSettings;
  readonly logDescriptor: number;
  /** ERP pods are spawned once this resolves: the database is there and migrated. */
  readonly databaseReady: Promise<void>;
  readonly onSpawn: (pod: PodIdentity, pid: number) => void;
  /** Workers that requests may go to: running, not terminating, and once found ready. */
  readonly onWorkers: (workers: readonly WorkerAddress[]) => void;
  readonly dropRestConnections: (member: string) => void;
  readonly log: (text: string) => void;
}

const PENDING: PodStatus = {
  pid: null,
  state: 'starting',
  ready: false,
  port: null,
  busySeconds: 0,
  memoryBytes: 0,
  exitCode: null,
  exitSignal: null,
};

export class ProcessPods implements PodRuntime {
  readonly #options: ProcessPodsOptions;
  readonly #pods = new Map<string, ErpPod | PostgresPod>();
  readonly #pending = new Set<string>();
  readonly #listeners: ((uid: string) => void)[] = [];
  #closed = false;

  constructor(options: ProcessPodsOptions) {
    this.#options = options;
  }

  onChange(listener: (uid: string) => void): void {
    this.#listeners.push(listener);
  }

  async start(pod: PodIdentity, { readiness }: { readonly readiness: ReadinessCheck | null }): Promise<void> {
    if (this.#closed) throw new LabError('the lab is being stopped');
    if (pod.workload === 'postgres') {
      this.#pods.set(pod.uid, new PostgresPod(pod, this.#postgresHost));
    } else if (pod.workload === 'erp') {
      await this.#startErp(pod, readiness);
    } else {
      throw new LabError(`the lab has no process for workload "${pod.workload}"`);
    }
    this.#changed(pod.uid);
  }

  async #startErp(pod: PodIdentity, readiness: ReadinessCheck | null): Promise<void> {
    this.#pending.add(pod.uid);
    await this.#options.databaseReady;
    // Stopped before its process was there.
    if (!this.#pending.delete(pod.uid) || this.#closed) return;
    this.#pods.set(
      pod.uid,
      new ErpPod(pod, readiness, {
        settings: this.#options.erp,
        logDescriptor: this.#options.logDescriptor,
        onSpawn: this.#options.onSpawn,
        onChange: (uid) => this.#changed(uid),
      }),
    );
  }

  get #postgresHost(): ConstructorParameters<typeof PostgresPod>[1] {
    return {
      cluster: this.#options.cluster,
      dropRestConnections: this.#options.dropRestConnections,
      onChange: (uid) => this.#changed(uid),
    };
  }

  async stop(pod: PodIdentity, options: { readonly graceSeconds: number }): Promise<void> {
    this.#pending.delete(pod.uid);
    await this.#pods.get(pod.uid)?.stop(options.graceSeconds);
  }

  status(uid: string): PodStatus | null {
    const pod = this.#pods.get(uid);
    if (pod !== undefined) return pod.status;
    return this.#pending.has(uid) ? PENDING : null;
  }

  /** Every ERP pod that has a process, for the control endpoint. */
  get erpPods(): readonly { readonly identity: PodIdentity; readonly status: PodStatus }[] {
    return [...this.#pods.values()]
      .filter((pod) => pod instanceof ErpPod && pod.status.state !== 'exited')
      .map(({ identity, status }) => ({ identity, status }));
  }

  #changed(uid: string): void {
    const pod = this.#pods.get(uid);
    if (pod instanceof ErpPod && !this.#closed) this.#options.onWorkers(this.#workers());
    for (const listener of this.#listeners) {
      try {
        listener(uid);
      } catch (error) {
        this.#options.log(`a listener for pod ${uid} failed: ${messageOf(error)}`);
      }
    }
  }

  #workers(): readonly WorkerAddress[] {
    return [...this.#pods.values()].flatMap((pod) => {
      if (!(pod instanceof ErpPod) || !pod.wasReady) return [];
      const { state, port } = pod.status;
      return state === 'running' && port !== null ? [{ name: pod.identity.name, port }] : [];
    });
  }

  /** Stops everything: workers first, then the database in good order. */
  async close(): Promise<void> {
    this.#closed = true;
    const pods = [...this.#pods.values()];
    await Promise.all(pods.filter((pod) => pod instanceof ErpPod).map((pod) => pod.stop(2)));
    await Promise.all(pods.filter((pod) => pod instanceof PostgresPod).map((pod) => pod.stop(0)));
  }
}
