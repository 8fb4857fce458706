/** A pod runtime for tests of the lab's Kubernetes: each pod is one small Node process; readiness and load are set by hand. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { PodIdentity, PodRuntime, PodStatus, ReadinessCheck } from '../../lab/processes/pod-runtime.ts';

interface Entry {
  readonly identity: PodIdentity;
  child: ChildProcess;
  status: PodStatus;
}

const program = 'process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1e6); process.stdout.write("up");';

export class SmallProcessRuntime implements PodRuntime {
  readonly #entries = new Map<string, Entry>();
  readonly #listeners: ((uid: string) => void)[] = [];
  /** Pods of these workloads start and never turn ready. */
  readonly neverReady = new Set<string>();
  readonly started: string[] = [];

  start(pod: PodIdentity, { readiness }: { readonly readiness: ReadinessCheck | null }): Promise<void> {
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'ignore'] });
    const status: PodStatus = {
      pid: child.pid ?? null,
      state: 'starting',
      ready: false,
      port: null,
      busySeconds: 0,
      memoryBytes: 20 * 1024 * 1024,
      exitCode: null,
      exitSignal: null,
    };
    const entry = { identity: pod, child, status };
    this.#entries.set(pod.uid, entry);
    this.started.push(pod.name);
    // These programs serve one path.
    const answers = readiness === null || (readiness.portOpen && readiness.path === '/web/health');
    const ready = answers && !this.neverReady.has(pod.workload);
    child.stdout?.once('data', () => this.#set(entry, { state: 'running', ready }));
    child.once('exit', (exitCode, exitSignal) => this.#set(entry, { state: 'exited', ready: false, exitCode, exitSignal }));
    return new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
  }

  async stop(pod: PodIdentity, options: { readonly graceSeconds: number }): Promise<void> {
    const entry = this.#entries.get(pod.uid);
    if (entry === undefined || entry.status.state === 'exited') return;
    const gone = new Promise<void>((resolve) => entry.child.once('exit', () => resolve()));
    this.#set(entry, { state: 'terminating', ready: false });
    entry.child.kill(options.graceSeconds === 0 ? 'SIGKILL' : 'SIGTERM');
    const timer = setTimeout(() => entry.child.kill('SIGKILL'), options.graceSeconds * 1000);
    await gone;
    clearTimeout(timer);
  }

  status(uid: string): PodStatus | null {
    return this.#entries.get(uid)?.status ?? null;
  }

  onChange(listener: (uid: string) => void): void {
    this.#listeners.push(listener);
  }

  /** Adds service time to every running pod of a workload. */
  addBusySeconds(workload: string, seconds: number): void {
    for (const entry of this.#entries.values()) {
      if (entry.identity.workload !== workload || entry.status.state !== 'running') continue;
      entry.status = { ...entry.status, busySeconds: entry.status.busySeconds + seconds };
    }
  }

  setReady(name: string, ready: boolean): void {
    for (const entry of this.#entries.values()) {
      if (entry.identity.name === name && entry.status.state === 'running') this.#set(entry, { ready });
    }
  }

  /** Pids of the processes that have not ended. */
  livePids(): readonly number[] {
    const alive = [...this.#entries.values()].filter((entry) => entry.status.state !== 'exited');
    return alive.flatMap((entry) => (entry.status.pid === null ? [] : [entry.status.pid]));
  }

  #set(entry: Entry, change: Partial<PodStatus>): void {
    entry.status = { ...entry.status, ...change };
    for (const listener of this.#listeners) listener(entry.identity.uid);
  }
}
