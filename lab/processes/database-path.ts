/** Where the application's database address leads. With the sabotage `never-recover` the first loss of a leader is the last. */
export interface DatabasePathOptions {
  readonly setTarget: (port: number | null) => Promise<void>;
  readonly neverRecover: boolean;
  readonly onSabotage: (detail: string) => void;
}

export class DatabasePath {
  readonly #options: DatabasePathOptions;
  #port: number | null = null;
  #broken = false;

  constructor(options: DatabasePathOptions) {
    this.#options = options;
  }

  /** Port of the member that the path leads to, or led to before it was cut. */
  get port(): number | null {
    return this.#port;
  }

  async point(port: number | null): Promise<void> {
    if (this.#options.neverRecover && this.#port !== null && port !== this.#port) await this.#break('the leader changed');
    if (this.#broken || port === this.#port) return;
    this.#port = port;
    await this.#options.setTarget(port);
  }

  /** The server behind that port ended. */
  async serverEnded(port: number): Promise<void> {
    if (this.#options.neverRecover && port === this.#port) await this.#break('the primary ended');
  }

  async #break(why: string): Promise<void> {
    if (this.#broken) return;
    this.#broken = true;
    this.#options.onSabotage(`${why}; the database path leads nowhere from now on`);
    await this.#options.setTarget(null);
  }
}
