/** The ERP workers that the ingress may send to, and how it finds out which of them are well. */
import { get } from 'node:http';

export interface WorkerAddress {
  readonly name: string;
  readonly port: number;
}

export interface WorkerState extends WorkerAddress {
  readonly ready: boolean;
  readonly inFlight: number;
}

export interface PoolWorker extends WorkerAddress {
  ready: boolean;
  /** Was ready once and did not refuse a connection since: sick perhaps, but there. */
  reachable: boolean;
  inFlight: number;
  misses: number;
  checking: boolean;
}

/** Two misses in a row take a worker out, one good answer puts it back; a refused connection takes it out at once. */
const MISSES = 2;

export type HealthCheck = (port: number) => Promise<'ok' | 'bad' | 'refused'>;

export class WorkerPool {
  readonly #check: HealthCheck;
  #workers: readonly PoolWorker[] = [];

  constructor(check: HealthCheck = checkWebHealth) {
    this.#check = check;
  }

  /** Replaces the list; what is known of workers that stay is kept. A new worker gets nothing before its first good check. */
  setWorkers(addresses: readonly WorkerAddress[]): void {
    this.#workers = addresses.map(
      (address) =>
        this.#workers.find((known) => known.name === address.name && known.port === address.port) ?? {
          ...address,
          ready: false,
          reachable: false,
          inFlight: 0,
          misses: 0,
          checking: false,
        },
    );
  }

  get workers(): readonly WorkerState[] {
    return this.#workers.map(({ name, port, ready, inFlight }) => ({ name, port, ready, inFlight }));
  }

  /**
   * The worker with the fewest requests in flight, leaving out those already tried for this request. When not one is ready,
   * any that is reachable: workers that are all sick at once share a cause (the database), and turning everybody away would
   * only add to it. Load balancers call this failing open, or panic routing.
   */
  pick(tried: ReadonlySet<PoolWorker>): PoolWorker | undefined {
    const untried = this.#workers.filter((worker) => !tried.has(worker));
    const ready = untried.filter((worker) => worker.ready);
    return leastBusy(ready) ?? leastBusy(untried.filter((worker) => worker.reachable));
  }

  markRefused(worker: PoolWorker): void {
    worker.ready = false;
    worker.reachable = false;
    worker.misses = MISSES;
  }

  /** One round of health checks. A check that still waits is not started again. */
  async checkAll(): Promise<void> {
    await Promise.all(
      this.#workers
        .filter((worker) => !worker.checking)
        .map(async (worker) => {
          worker.checking = true;
          const answer = await this.#check(worker.port);
          worker.checking = false;
          if (answer === 'refused') {
            this.markRefused(worker);
          } else if (answer === 'ok') {
            worker.ready = true;
            worker.reachable = true;
            worker.misses = 0;
          } else if (++worker.misses >= MISSES) {
            worker.ready = false;
          }
        }),
    );
  }
}

function leastBusy(workers: readonly PoolWorker[]): PoolWorker | undefined {
  return workers.reduce<PoolWorker | undefined>(
    (best, worker) => (best === undefined || worker.inFlight < best.inFlight ? worker : best),
    undefined,
  );
}

const CHECK_TIMEOUT_MS = 3_000;

function checkWebHealth(port: number): Promise<'ok' | 'bad' | 'refused'> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path: '/web/health', agent: false, timeout: CHECK_TIMEOUT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? 'ok' : 'bad');
    });
    request.on('timeout', () => request.destroy());
    request.on('error', (error) => resolve('code' in error && error.code === 'ECONNREFUSED' ? 'refused' : 'bad'));
  });
}
