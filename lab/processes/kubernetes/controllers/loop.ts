/** Runs the level-triggered controllers whenever something changed; many changes in one turn cost one round. */
export class ControlLoop {
  readonly #round: () => void;
  readonly #onError: (error: unknown) => void;
  #scheduled: NodeJS.Immediate | null = null;
  #closed = false;

  constructor(round: () => void, onError: (error: unknown) => void) {
    this.#round = round;
    this.#onError = onError;
  }

  wake(): void {
    if (this.#closed || this.#scheduled !== null) return;
    this.#scheduled = setImmediate(() => {
      this.#scheduled = null;
      try {
        this.#round();
      } catch (error) {
        this.#onError(error);
      }
    });
  }

  close(): void {
    this.#closed = true;
    if (this.#scheduled !== null) clearImmediate(this.#scheduled);
  }
}
