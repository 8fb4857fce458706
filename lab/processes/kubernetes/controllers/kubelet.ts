/**
 * Runs the pods: starts a process for each pod object, restarts a process that ended (same pod, restartCount + 1, with
 * back-off), stops it when the pod is deleted, and writes what it sees into the pod's status.
 */
import type { PodIdentity, PodRuntime } from '../../pod-runtime.ts';
import { type ControlClock, timestamp } from '../clock.ts';
import { type EventRecorder, referenceTo } from '../events.ts';
import { isPodReady, type Pod, type TerminatedState } from '../objects.ts';
import type { RestartBackoff } from '../options.ts';
import type { Store } from '../store.ts';
import { type ImageProblem, imageProblem } from './image.ts';
import { podStatus, terminatedState } from './pod-status.ts';
import { readinessOf } from './readiness.ts';

interface Worker {
  readonly pod: Pod;
  readonly identity: PodIdentity;
  phase: 'creating' | 'started' | 'waiting';
  waitingReason: string;
  waitingMessage: string;
  restartCount: number;
  startedAt: number | null;
  /** Last seen; a runtime need not know the pid of a process that ended. */
  pid: number | null;
  lastTerminated: TerminatedState | null;
  /** Delay of the next restart. */
  backoffMs: number;
  stopping: boolean;
  cancelRestart: () => void;
}

export interface KubeletOptions {
  readonly store: Store;
  readonly runtime: PodRuntime;
  readonly clock: ControlClock;
  readonly events: EventRecorder;
  readonly backoff: RestartBackoff;
  /** Image of a workload, without a tag. */
  readonly imageOf: (workload: string) => string;
  readonly onError: (error: unknown) => void;
  /** Asks for another round of the controllers. */
  readonly wake: () => void;
}

const component = 'kubelet';
const stopRetryMs = 2_000;
const closeDeadlineMs = 3_000;

export class Kubelet {
  readonly #options: KubeletOptions;
  readonly #workers = new Map<string, Worker>();
  /** Last operation by pod name: a StatefulSet pod must not start before its predecessor of the same name is gone. */
  readonly #queues = new Map<string, Promise<void>>();
  #closed = false;

  constructor(options: KubeletOptions) {
    this.#options = options;
  }

  sync(): void {
    if (this.#closed) return;
    for (const pod of this.#options.store.list('pods')) {
      if (pod.spec.nodeName === undefined) continue;
      const worker = this.#workers.get(pod.metadata.uid) ?? this.#adopt(pod);
      this.#noticeExit(worker);
      this.#writeStatus(worker);
    }
  }

  /** Deletes a pod: marks it, stops its process, then removes the object; grace 0 removes the object at once. */
  terminate(target: Pod, graceSeconds: number): Pod {
    const { store, clock, events } = this.#options;
    const pod = store.get('pods', target.metadata.namespace, target.metadata.name);
    if (pod === undefined || pod.metadata.uid !== target.metadata.uid) return target;
    const worker = this.#workers.get(pod.metadata.uid) ?? this.#adopt(pod);
    const graceLeft = pod.metadata.deletionGracePeriodSeconds;
    const repeated = worker.stopping && graceLeft !== undefined && graceSeconds >= graceLeft;
    if (repeated) return pod;
    worker.stopping = true;
    worker.cancelRestart();
    const marked =
      store.mutate('pods', pod, (current) => ({
        ...current,
        metadata: {
          ...current.metadata,
          deletionTimestamp: timestamp(clock.now() + graceSeconds * 1000),
          deletionGracePeriodSeconds: graceSeconds,
        },
      })) ?? pod;
    const container = pod.spec.containers[0]?.name ?? '';
    const involved = referenceTo(pod, `spec.containers{${container}}`);
    events.record({ involved, type: 'Normal', reason: 'Killing', message: `Stopping container ${container}`, component });
    if (graceSeconds === 0) store.delete('pods', pod);
    // A second, shorter deletion must not queue behind the first stop, and a stop not behind a start that may wait for long.
    if (graceLeft !== undefined || worker.phase === 'creating') this.#stopNow(worker, graceSeconds);
    if (graceLeft === undefined) this.#enqueue(pod.metadata.name, () => this.#stop(worker, graceSeconds));
    return marked;
  }

  async close(options: { readonly stopPods: boolean; readonly graceSeconds: number }): Promise<void> {
    this.#closed = true;
    const workers = [...this.#workers.values()];
    for (const worker of workers) {
      worker.stopping = true;
      worker.cancelRestart();
    }
    if (!options.stopPods) return;
    const stopAll = () =>
      Promise.all(workers.map((worker) => this.#options.runtime.stop(worker.identity, { graceSeconds: options.graceSeconds })));
    await stopAll();
    // A process that was just being started is there only now.
    await this.#settled(closeDeadlineMs);
    await stopAll();
  }

  /** Waits for the operations under way, but not for ever: a start may hang on something that will not come. */
  async #settled(timeoutMs: number): Promise<void> {
    const deadline = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(timeoutMs, () => deadline.resolve());
    await Promise.race([Promise.all(this.#queues.values()), deadline.promise]);
    cancel();
  }

  #stopNow(worker: Worker, graceSeconds: number): void {
    this.#options.runtime.stop(worker.identity, { graceSeconds }).catch(this.#options.onError);
  }

  #adopt(pod: Pod): Worker {
    const worker: Worker = {
      pod,
      identity: {
        workload: pod.spec.containers[0]?.name ?? '',
        name: pod.metadata.name,
        uid: pod.metadata.uid,
      },
      phase: 'creating',
      waitingReason: '',
      waitingMessage: '',
      restartCount: 0,
      startedAt: null,
      pid: null,
      lastTerminated: null,
      backoffMs: 0,
      stopping: false,
      cancelRestart: () => undefined,
    };
    this.#workers.set(pod.metadata.uid, worker);
    this.#enqueue(pod.metadata.name, () => this.#start(worker));
    return worker;
  }

  async #start(worker: Worker): Promise<void> {
    if (worker.stopping || this.#closed) return;
    const container = worker.pod.spec.containers[0];
    const problem = imageProblem(container, this.#options.imageOf(worker.identity.workload));
    if (problem !== null) {
      this.#refuse(worker, problem);
      return;
    }
    worker.phase = 'creating';
    try {
      await this.#options.runtime.start(worker.identity, { readiness: readinessOf(container) });
    } catch (error) {
      worker.waitingReason = 'RunContainerError';
      worker.waitingMessage = error instanceof Error ? error.message : String(error);
      this.#event(worker, 'Warning', 'Failed', `Error: ${worker.waitingMessage}`);
      this.#restartLater(worker);
      return;
    }
    worker.phase = 'started';
    worker.startedAt = this.#options.clock.now();
    worker.waitingMessage = '';
    const { workload } = worker.identity;
    this.#event(worker, 'Normal', 'Created', `Created container: ${workload}`);
    this.#event(worker, 'Normal', 'Started', `Started container ${workload}`);
    this.#options.wake();
  }

  /** The pod stays as it is until somebody deletes it: no image appears here by itself. */
  #refuse(worker: Worker, { reason, message }: ImageProblem): void {
    worker.phase = 'waiting';
    worker.waitingReason = reason;
    worker.waitingMessage = message;
    this.#event(worker, 'Warning', reason === 'ErrImageNeverPull' ? reason : 'BackOff', message);
    this.#event(worker, 'Warning', 'Failed', `Error: ${reason}`);
    this.#options.wake();
  }

  #noticeExit(worker: Worker): void {
    if (worker.phase !== 'started' || worker.stopping) return;
    const process = this.#options.runtime.status(worker.identity.uid);
    if (process !== null && process.state !== 'exited') return;
    const now = this.#options.clock.now();
    const startedAt = worker.startedAt ?? now;
    worker.lastTerminated = terminatedState(process, { pid: worker.pid, startedAt, finishedAt: now });
    if (now - startedAt >= this.#options.backoff.resetAfterMs) worker.backoffMs = 0;
    this.#restartLater(worker);
  }

  #restartLater(worker: Worker): void {
    const { backoff, clock } = this.#options;
    const delayMs = worker.backoffMs;
    worker.phase = 'waiting';
    worker.backoffMs = Math.min(backoff.maxMs, Math.max(backoff.initialMs, delayMs * 2));
    if (delayMs > 0) {
      const container = worker.identity.workload;
      worker.waitingReason = 'CrashLoopBackOff';
      worker.waitingMessage = `back-off ${Math.ceil(delayMs / 1000)}s restarting failed container=${container} pod=${worker.identity.name}`;
      this.#event(
        worker,
        'Warning',
        'BackOff',
        `Back-off restarting failed container ${container} in pod ${worker.identity.name}`,
      );
    }
    worker.cancelRestart = clock.after(delayMs, () => {
      if (worker.stopping || this.#closed) return;
      worker.restartCount += 1;
      this.#enqueue(worker.identity.name, () => this.#start(worker));
    });
    this.#options.wake();
  }

  async #stop(worker: Worker, graceSeconds: number): Promise<void> {
    const { runtime, store, clock } = this.#options;
    try {
      await runtime.stop(worker.identity, { graceSeconds });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#event(worker, 'Warning', 'FailedKillPod', `error killing pod: ${message}`);
      if (!this.#closed) clock.after(stopRetryMs, () => this.#enqueue(worker.identity.name, () => this.#stop(worker, 0)));
      return;
    }
    this.#workers.delete(worker.identity.uid);
    store.delete('pods', worker.pod);
  }

  #writeStatus(worker: Worker): void {
    const { store, runtime, clock } = this.#options;
    const before = store.get('pods', worker.pod.metadata.namespace, worker.pod.metadata.name);
    const process = runtime.status(worker.identity.uid);
    worker.pid = process?.pid ?? worker.pid;
    const after = store.mutate('pods', worker.pod, (pod) => ({
      ...pod,
      status: podStatus(pod, { ...worker, process }, clock.now()),
    }));
    if (before === undefined || after === undefined || worker.stopping) return;
    if (isPodReady(before) && !isPodReady(after) && worker.phase === 'started') {
      this.#event(worker, 'Warning', 'Unhealthy', 'Readiness probe failed');
    }
  }

  #event(worker: Worker, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const involved = referenceTo(worker.pod, `spec.containers{${worker.identity.workload}}`);
    this.#options.events.record({ involved, type, reason, message, component });
  }

  #enqueue(name: string, operation: () => Promise<void>): void {
    const previous = this.#queues.get(name) ?? Promise.resolve();
    const next = previous.then(operation).catch(this.#options.onError);
    this.#queues.set(name, next);
    void next.then(() => {
      if (this.#queues.get(name) === next) this.#queues.delete(name);
    });
  }
}
