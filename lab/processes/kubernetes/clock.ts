/** Time of the lab's control plane, so that tests can drive it. */
export interface ControlClock {
  /** UTC epoch ms. */
  now(): number;
  /** Calls once after the delay; the returned function cancels. */
  after(delayMs: number, action: () => void): () => void;
}

export const systemClock: ControlClock = {
  now: () => Date.now(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Repeats until cancelled; a late tick does not make up for lost ones. */
export function every(clock: ControlClock, periodMs: number, action: () => void): () => void {
  let cancel = clock.after(periodMs, tick);
  function tick() {
    cancel = clock.after(periodMs, tick);
    action();
  }
  return () => cancel();
}

/** Kubernetes writes times with a resolution of one second. */
export function timestamp(atMs: number): string {
  return new Date(Math.floor(atMs / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}
