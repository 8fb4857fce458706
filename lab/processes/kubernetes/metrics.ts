/**
 * The lab's metrics-server. Its "cpu" of a pod is the share of time the worker was serving a request (busy seconds per
 * second; 1 = always busy = one core), not processor time: a worker waiting for the database is busy, as an Odoo worker is.
 * The node's figures are this machine's real ones.
 */
import { cpus, freemem, totalmem } from 'node:os';
import type { PodRuntime } from '../pod-runtime.ts';
import { type ControlClock, timestamp } from './clock.ts';
import type { Pod } from './objects.ts';
import { formatKibibytes, formatNanoCpu } from './quantity.ts';
import type { Store } from './store.ts';

export interface UsageSample {
  readonly milli: number;
  readonly sampledAt: number;
  readonly windowMs: number;
  readonly memoryBytes: number;
}

interface Point {
  readonly at: number;
  readonly pid: number | null;
  readonly busySeconds: number;
}

interface NodePoint {
  readonly at: number;
  readonly busyMs: number;
}

export class UsageMetrics {
  readonly #store: Store;
  readonly #runtime: PodRuntime;
  readonly #clock: ControlClock;
  readonly #points = new Map<string, Point>();
  readonly #samples = new Map<string, UsageSample>();
  #nodePoint: NodePoint;
  #nodeSample: UsageSample | null = null;
  /** False: the metrics API answers 404 and the HPA has no metric, as in a cluster without metrics-server. */
  available = true;

  constructor(store: Store, runtime: PodRuntime, clock: ControlClock) {
    this.#store = store;
    this.#runtime = runtime;
    this.#clock = clock;
    this.#nodePoint = { at: clock.now(), busyMs: processorBusyMs() };
  }

  /** Takes a sample of every pod; a rate needs two of the same process. */
  sample(): void {
    const now = this.#clock.now();
    const pods = this.#store.list('pods');
    const alive = new Set(pods.map((pod) => pod.metadata.uid));
    for (const uid of this.#points.keys()) if (!alive.has(uid)) this.#forget(uid);
    for (const pod of pods) this.#samplePod(pod.metadata.uid, now);
    this.#sampleNode(now);
  }

  #samplePod(uid: string, now: number): void {
    const status = this.#runtime.status(uid);
    if (status === null || status.state === 'exited' || status.pid === null) {
      this.#forget(uid);
      return;
    }
    const previous = this.#points.get(uid);
    const point = { at: now, pid: status.pid, busySeconds: status.busySeconds };
    this.#points.set(uid, point);
    if (previous === undefined || previous.pid !== point.pid || now <= previous.at) {
      this.#samples.delete(uid);
      return;
    }
    const windowMs = now - previous.at;
    const milli = Math.max(0, ((point.busySeconds - previous.busySeconds) * 1000) / (windowMs / 1000));
    this.#samples.set(uid, { milli, sampledAt: now, windowMs, memoryBytes: status.memoryBytes });
  }

  #sampleNode(now: number): void {
    const previous = this.#nodePoint;
    this.#nodePoint = { at: now, busyMs: processorBusyMs() };
    if (now <= previous.at) return;
    const windowMs = now - previous.at;
    const milli = Math.max(0, ((this.#nodePoint.busyMs - previous.busyMs) * 1000) / windowMs);
    this.#nodeSample = { milli, sampledAt: now, windowMs, memoryBytes: totalmem() - freemem() };
  }

  #forget(uid: string): void {
    this.#points.delete(uid);
    this.#samples.delete(uid);
  }

  usageOf(pod: Pod): UsageSample | undefined {
    return this.#samples.get(pod.metadata.uid);
  }

  podMetrics(pod: Pod): Readonly<Record<string, unknown>> | null {
    const sample = this.usageOf(pod);
    const container = pod.spec.containers[0];
    if (sample === undefined || container === undefined || pod.status.phase !== 'Running') return null;
    return {
      ...this.#head('PodMetrics', pod.metadata.name, sample, pod),
      containers: [{ name: container.name, usage: usageOf(sample) }],
    };
  }

  /** Every node is this machine. */
  nodeMetrics(): readonly Readonly<Record<string, unknown>>[] {
    const sample = this.#nodeSample;
    if (sample === null) return [];
    return this.#store
      .list('nodes')
      .map(({ metadata }) => ({ ...this.#head('NodeMetrics', metadata.name, sample), usage: usageOf(sample) }));
  }

  #head(kind: string, name: string, sample: UsageSample, pod?: Pod): Readonly<Record<string, unknown>> {
    return {
      kind,
      apiVersion: 'metrics.k8s.io/v1beta1',
      metadata: {
        name,
        ...(pod === undefined ? {} : { namespace: pod.metadata.namespace, labels: pod.metadata.labels }),
        creationTimestamp: timestamp(this.#clock.now()),
      },
      timestamp: timestamp(sample.sampledAt),
      window: `${(sample.windowMs / 1000).toFixed(3)}s`,
    };
  }
}

function usageOf(sample: UsageSample): Readonly<Record<string, string>> {
  return { cpu: formatNanoCpu(sample.milli), memory: formatKibibytes(sample.memoryBytes) };
}

function processorBusyMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
}
