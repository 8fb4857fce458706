/** A control plane over pods without processes and a clock that stands still until told. */

import type { ControlClock } from '../../../../lab/processes/kubernetes/clock.ts';
import {
  type ControlPlane,
  type ControlPlaneOptions,
  createControlPlane,
} from '../../../../lab/processes/kubernetes/control-plane.ts';
import type { PodIdentity, PodRuntime, PodStatus, ReadinessCheck } from '../../../../lab/processes/pod-runtime.ts';

export class ManualClock implements ControlClock {
  #nowMs = Date.parse('2026-05-01T10:00:00Z');
  #timers: { readonly at: number; readonly action: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, action: () => void): () => void {
    const timer = { at: this.#nowMs + delayMs, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Fires what is due on the way, in order, letting the controllers settle in between. */
  async advance(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    for (;;) {
      await settle();
      const due = this.#timers.filter((timer) => timer.at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#nowMs = Math.max(this.#nowMs, due.at);
      due.action();
    }
    this.#nowMs = end;
    await settle();
  }
}

/** Lets the control loop run until nothing changes any more: a round per turn, a handful of rounds. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

export class PaperRuntime implements PodRuntime {
  readonly calls: string[] = [];
  readonly #status = new Map<string, PodStatus>();
  readonly #busy = new Map<string, number>();
  readonly #names = new Map<string, string>();
  #listener: (uid: string) => void = () => undefined;
  #nextPid = 100;
  /** Names of pods whose start fails. */
  readonly failing = new Set<string>();
  /** While set, graceful stops do not end. */
  stubborn = false;

  async start(pod: PodIdentity, { readiness }: { readonly readiness: ReadinessCheck | null }): Promise<void> {
    this.calls.push(`start ${pod.name}`);
    if (this.failing.has(pod.name)) throw new Error('no such program');
    this.#names.set(pod.uid, pod.name);
    this.#nextPid += 1;
    const ready = readiness === null || (readiness.portOpen && readiness.path === '/web/health');
    this.#set(pod.uid, { pid: this.#nextPid, state: 'running', ready, exitCode: null, exitSignal: null });
  }

  async stop(pod: PodIdentity, { graceSeconds }: { readonly graceSeconds: number }): Promise<void> {
    this.calls.push(`stop ${pod.name} ${graceSeconds}`);
    if (this.stubborn && graceSeconds > 0) return new Promise(() => undefined);
    this.#set(pod.uid, { state: 'exited', ready: false });
  }

  status(uid: string): PodStatus | null {
    const status = this.#status.get(uid);
    return status === undefined ? null : { ...status, busySeconds: this.#busy.get(uid) ?? 0 };
  }

  onChange(listener: (uid: string) => void): void {
    this.#listener = listener;
  }

  kill(uid: string): void {
    this.#set(uid, { state: 'exited', ready: false, exitSignal: 'SIGKILL' });
  }

  setReady(uid: string, ready: boolean): void {
    this.#set(uid, { ready });
  }

  /** Service time of every pod whose name starts so. */
  work(prefix: string, seconds: number): void {
    for (const [uid, name] of this.#names) {
      if (name.startsWith(prefix)) this.#busy.set(uid, (this.#busy.get(uid) ?? 0) + seconds);
    }
  }

  #set(uid: string, change: Partial<PodStatus>): void {
    const blank: PodStatus = {
      pid: null,
      state: 'starting',
      ready: false,
      port: null,
      busySeconds: 0,
      memoryBytes: 1,
      exitCode: null,
      exitSignal: null,
    };
    this.#status.set(uid, { ...blank, ...this.#status.get(uid), ...change });
    this.#listener(uid);
  }
}

export async function aControlPlane(change: Partial<ControlPlaneOptions> = {}): Promise<{
  readonly plane: ControlPlane;
  readonly runtime: PaperRuntime;
  readonly clock: ManualClock;
  readonly errors: readonly unknown[];
}> {
  const runtime = new PaperRuntime();
  const clock = new ManualClock();
  const errors: unknown[] = [];
  const plane = createControlPlane({
    namespace: 'erp',
    runtime,
    clock,
    workloads: [{ kind: 'Deployment', name: 'erp', replicas: 2 }],
    onError: (error) => errors.push(error),
    ...change,
  });
  plane.start();
  await settle();
  return { plane, runtime, clock, errors };
}
