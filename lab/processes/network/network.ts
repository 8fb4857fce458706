/** The supervisor's hold on the network process. */
import { type ChildProcess, fork } from 'node:child_process';
import { labProgram } from '../../package-root.ts';
import { LabError } from '../lab-error.ts';
import { WAITS } from '../wait.ts';
import type { NetworkCommand, NetworkReply, NetworkResult, NetworkState } from './messages.ts';
import type { FreezeSpan } from './tcp-proxy.ts';
import type { WorkerAddress } from './worker-pool.ts';

interface Pending {
  readonly resolve: (result: NetworkResult) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export interface NetworkOptions {
  readonly databasePort: number;
  readonly ingressPort: number;
  readonly labDirectory: string;
  readonly onSpawn: (pid: number) => void;
  readonly onExit: () => void;
  readonly logDescriptor: number;
}

export class Network {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;

  private constructor(child: ChildProcess, onExit: () => void) {
    this.#child = child;
    child.on('message', (message) => this.#settle(message as NetworkReply));
    child.once('exit', () => {
      for (const { reject, timer } of this.#pending.values()) {
        clearTimeout(timer);
        reject(new LabError('the network process of the lab ended'));
      }
      this.#pending.clear();
      onExit();
    });
  }

  static async start(options: NetworkOptions): Promise<Network> {
    const child = fork(labProgram('processes/network/main'), [], {
      stdio: ['ignore', options.logDescriptor, options.logDescriptor, 'ipc'],
      // The parent's own flags (a debugger, a loader) are not for its children.
      execArgv: [],
    });
    if (child.pid !== undefined) options.onSpawn(child.pid);
    const network = new Network(child, options.onExit);
    await network.#ask({
      kind: 'listen',
      databasePort: options.databasePort,
      ingressPort: options.ingressPort,
      labDirectory: options.labDirectory,
    });
    return network;
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  async setDatabaseTarget(port: number | null): Promise<void> {
    await this.#ask({ kind: 'database-target', port });
  }

  async setWorkers(workers: readonly WorkerAddress[]): Promise<void> {
    await this.#ask({ kind: 'workers', workers });
  }

  async checkWorkers(): Promise<void> {
    await this.#ask({ kind: 'check-workers' });
  }

  async freeze(ms: number | null): Promise<FreezeSpan> {
    return (await this.#ask({ kind: 'freeze', ms }, (ms ?? 0) + WAITS.networkAnswers)) as FreezeSpan;
  }

  async thaw(): Promise<FreezeSpan | null> {
    return (await this.#ask({ kind: 'thaw' })) as FreezeSpan | null;
  }

  async fetchState(): Promise<NetworkState> {
    return (await this.#ask({ kind: 'state' })) as NetworkState;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.kill('SIGTERM');
    await gone;
  }

  #ask(command: NetworkCommand, timeoutMs: number = WAITS.networkAnswers): Promise<NetworkResult> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new LabError(`the network process did not answer "${command.kind}" within ${timeoutMs / 1000} s`));
      }, timeoutMs);
      this.#pending.set(id, { resolve, reject, timer });
      this.#child.send({ id, command }, (error) => {
        if (error !== null) this.#settle({ id, error: error.message });
      });
    });
  }

  #settle(reply: NetworkReply): void {
    const pending = this.#pending.get(reply.id);
    if (pending === undefined) return;
    this.#pending.delete(reply.id);
    clearTimeout(pending.timer);
    if ('error' in reply) pending.reject(new LabError(`the network process: ${reply.error}`));
    else pending.resolve(reply.result);
  }
}
