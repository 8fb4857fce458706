/** One request at a time, as one Odoo worker process; the others wait in order. Measures how long the worker was busy. */
export class RequestQueue {
  readonly #limit: number;
  readonly #now: () => number;
  readonly #waiting: (() => void)[] = [];
  #running = false;
  #startedAt = 0;
  #busyMs = 0;
  #closed = false;
  #idle: (() => void) | null = null;
  requests = 0;

  /** `limit`: how many may wait besides the one in service. */
  constructor(limit: number, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  get isFull(): boolean {
    return this.#closed || this.#waiting.length >= this.#limit;
  }

  get busySeconds(): number {
    return (this.#busyMs + (this.#running ? this.#now() - this.#startedAt : 0)) / 1_000;
  }

  /** Runs `work` when its turn comes; gives 'dropped' when the queue was closed before that. */
  async run(work: () => Promise<void>): Promise<'done' | 'dropped'> {
    if (this.#running || this.#waiting.length > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#closed) return 'dropped';
    this.#running = true;
    this.#startedAt = this.#now();
    this.requests += 1;
    try {
      await work();
    } finally {
      this.#busyMs += this.#now() - this.#startedAt;
      this.#running = false;
      this.#waiting.shift()?.();
      if (this.#closed) this.#idle?.();
    }
    return 'done';
  }

  /** Resolves when the request in hand is done; those that wait are dropped. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const wake of this.#waiting.splice(0)) wake();
    if (this.#running)
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
  }
}
