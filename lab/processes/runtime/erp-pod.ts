/** One ERP worker process behind a pod. */
import type { ChildProcess } from 'node:child_process';
import { get } from 'node:http';
import { createInterface } from 'node:readline';
import type { PodIdentity, PodStatus, ReadinessCheck } from '../pod-runtime.ts';
import { memoryBytesOf, signalProcess } from '../process-identity.ts';
import { type ErpSettings, spawnErpProgram } from './erp-program.ts';

const PROBE_EVERY_MS = 1_000;
const PROBE_EVERY_UNTIL_READY_MS = 100;
const PROBE_TIMEOUT_MS = 3_000;
const BUSY_EVERY_MS = 1_000;
/** Readiness is lost after three bad probes in a row, Kubernetes' default failureThreshold. */
const FAILURE_THRESHOLD = 3;

export interface ErpPodHost {
  readonly settings: ErpSettings;
  readonly logDescriptor: number;
  onSpawn(pod: PodIdentity, pid: number): void;
  onChange(uid: string): void;
}

export class ErpPod {
  readonly identity: PodIdentity;
  readonly #host: ErpPodHost;
  readonly #readiness: ReadinessCheck | null;
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  #state: PodStatus['state'] = 'starting';
  #port: number | null = null;
  #ready = false;
  #wasReady = false;
  #failures = 0;
  #busySeconds = 0;
  #probe: NodeJS.Timeout | null = null;
  #busy: NodeJS.Timeout | null = null;

  constructor(identity: PodIdentity, readiness: ReadinessCheck | null, host: ErpPodHost) {
    this.identity = identity;
    this.#readiness = readiness;
    this.#host = host;
    this.#child = spawnErpProgram('worker', host.settings, {
      name: identity.name,
      logDescriptor: host.logDescriptor,
      onSpawn: (pid) => host.onSpawn(identity, pid),
    });
    this.#gone = new Promise((resolve) => {
      const end = (): void => {
        this.#end();
        resolve();
      };
      this.#child.once('exit', end);
      this.#child.once('error', end);
    });
    if (this.#child.stdout !== null) {
      createInterface({ input: this.#child.stdout }).on('line', (line) => this.#read(line));
    }
  }

  get status(): PodStatus {
    const pid = this.#state === 'exited' ? null : (this.#child.pid ?? null);
    return {
      pid,
      state: this.#state,
      ready: this.#ready,
      port: this.#port,
      busySeconds: this.#busySeconds,
      memoryBytes: pid === null ? 0 : memoryBytesOf(pid),
      exitCode: this.#child.exitCode,
      exitSignal: this.#child.signalCode,
    };
  }

  /** No request may come before; afterwards the ingress looks for itself. */
  get wasReady(): boolean {
    return this.#wasReady;
  }

  /** SIGTERM lets the worker finish the request it has. */
  async stop(graceSeconds: number): Promise<void> {
    if (this.#state === 'exited') return;
    this.#state = 'terminating';
    this.#ready = false;
    this.#host.onChange(this.identity.uid);
    const pid = this.#child.pid;
    if (pid === undefined) return;
    if (graceSeconds > 0) {
      signalProcess(pid, 'SIGTERM');
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceSeconds * 1000);
      await this.#gone;
      clearTimeout(timer);
    } else {
      this.#child.kill('SIGKILL');
      await this.#gone;
    }
  }

  #end(): void {
    this.#state = 'exited';
    this.#ready = false;
    if (this.#probe !== null) clearTimeout(this.#probe);
    if (this.#busy !== null) clearTimeout(this.#busy);
    this.#host.onChange(this.identity.uid);
  }

  #read(line: string): void {
    const port = listeningPort(line);
    if (port === null || this.#state !== 'starting') return;
    this.#port = port;
    this.#state = 'running';
    this.#host.onChange(this.identity.uid);
    void this.#probeReadiness();
    void this.#readBusyTime();
  }

  async #probeReadiness(): Promise<void> {
    const ok = await this.#checkReadiness();
    if (this.#state !== 'running') return;
    this.#failures = ok ? 0 : this.#failures + 1;
    const ready = ok || (this.#ready && this.#failures < FAILURE_THRESHOLD);
    if (ready !== this.#ready) {
      this.#ready = ready;
      this.#wasReady ||= ready;
      this.#host.onChange(this.identity.uid);
    }
    this.#probe = setTimeout(() => void this.#probeReadiness(), ready ? PROBE_EVERY_MS : PROBE_EVERY_UNTIL_READY_MS);
  }

  async #checkReadiness(): Promise<boolean> {
    if (this.#readiness === null) return true;
    return this.#readiness.portOpen && (await answersWell(this.#port, this.#readiness.path));
  }

  async #readBusyTime(): Promise<void> {
    const text = await fetchText(this.#port, '/lab/busy');
    if (this.#state !== 'running') return;
    const seconds = text === null ? null : busySeconds(text);
    if (seconds !== null) this.#busySeconds = Math.max(this.#busySeconds, seconds);
    this.#busy = setTimeout(() => void this.#readBusyTime(), BUSY_EVERY_MS);
  }
}

function parseJson(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : null;
  } catch (error) {
    // Other output of the worker.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Port in a worker's `{"event":"listening","port":N}`, or null for any other line. */
export function listeningPort(line: string): number | null {
  const message = parseJson(line);
  return message?.event === 'listening' && typeof message.port === 'number' ? message.port : null;
}

function busySeconds(text: string): number | null {
  const seconds = parseJson(text)?.busySeconds;
  return typeof seconds === 'number' ? seconds : null;
}

/** As a kubelet counts it: any status from 200 to 399. */
function answersWell(port: number | null, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false, timeout: PROBE_TIMEOUT_MS }, ({ statusCode = 0 }) => {
      request.destroy();
      resolve(statusCode >= 200 && statusCode < 400);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}

/** Body of a 200 answer; null for anything else. */
function fetchText(port: number | null, path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false, timeout: PROBE_TIMEOUT_MS }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve(response.statusCode === 200 ? body : null));
      response.on('error', () => resolve(null));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(null));
  });
}
