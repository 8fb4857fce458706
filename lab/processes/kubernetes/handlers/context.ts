/** What the request handlers work with. */
import type { ControlClock } from '../clock.ts';
import type { UsageMetrics } from '../metrics.ts';
import type { Pod } from '../objects.ts';
import type { DeniedRule } from '../options.ts';
import type { Tokens } from '../rbac.ts';
import type { Store } from '../store.ts';

export interface HandlerContext {
  readonly store: Store;
  readonly clock: ControlClock;
  readonly metrics: UsageMetrics;
  readonly denied: readonly DeniedRule[];
  readonly tokens: Tokens;
  /** Deletes a pod and stops its process; answers the pod as it is marked. */
  readonly terminate: (pod: Pod, graceSeconds: number) => Pod;
  /** Sabotage: deletions are answered and not done. */
  readonly killDoesNothing: boolean;
}

export interface Body {
  /** Media type without parameters; empty when there is no body. */
  readonly contentType: string;
  readonly value: unknown;
}
