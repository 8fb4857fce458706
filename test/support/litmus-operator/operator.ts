/**
 * Stand-in for chaos-operator, chaos-runner and litmus-go: plays back, against a Kubernetes API, what those were seen to do, traps
 * included, and really deletes the pods. Speaks to the API only, so it runs beside a fake, the practice lab or a real cluster.
 */
import type { ApiObject, Clock, CustomObjectsPort, KubernetesPort } from '../../../src/clients/ports.ts';
import { runEngine } from './run-engine.ts';
import { SEEN } from './timing.ts';

export interface OperatorOptions {
  readonly objects: CustomObjectsPort;
  readonly kubernetes: KubernetesPort;
  readonly clock: Clock;
  /** 1: as seen; 20: twenty times as fast. */
  readonly speed?: number;
  readonly traps?: Traps;
  /** An image with `node`: the job gets a real pod, whose log can be read. Absent: the job is only an object. */
  readonly jobImage?: string | null;
}

export interface Traps {
  /** Names of probes that fail. */
  readonly failingProbes?: readonly string[];
  /** Service accounts that exist and may do nothing: the engine completes without a result. */
  readonly powerlessAccounts?: readonly string[];
  /** Images that are not to be had: the experiment is `Skipped`. */
  readonly missingImages?: readonly string[];
  /** A second round goes for a pod that came after the first kill. */
  readonly hitsReplacement?: boolean;
  /** One more pod goes 1.2 s after the request to stop. */
  readonly killsAfterStop?: boolean;
  /** The experiment says Pass and touches nothing. */
  readonly doesNothing?: boolean;
}

export interface Operator {
  /** What it did, in order. */
  readonly story: readonly string[];
  /** Ends as a killed operator does: whatever it had begun stays as it is. */
  stop(): Promise<void>;
}

export const ENGINES = { group: 'litmuschaos.io', version: 'v1alpha1', plural: 'chaosengines' } as const;
export const RESULTS = { group: 'litmuschaos.io', version: 'v1alpha1', plural: 'chaosresults' } as const;
export const EXPERIMENTS = { group: 'litmuschaos.io', version: 'v1alpha1', plural: 'chaosexperiments' } as const;
export const JOBS = { group: 'batch', version: 'v1', plural: 'jobs' } as const;
export const ACCOUNTS = { group: '', version: 'v1', plural: 'serviceaccounts' } as const;
export const PODS = { group: '', version: 'v1', plural: 'pods' } as const;
export const EVENTS = { group: '', version: 'v1', plural: 'events' } as const;
export const FINALIZER = 'chaosengine.litmuschaos.io/finalizer';

export interface Stage extends Required<Omit<OperatorOptions, 'traps'>> {
  readonly traps: Traps;
  readonly story: string[];
  /** Scaled; rejects when the operator is stopped. */
  wait(seconds: number): Promise<void>;
}

export function startOperator(options: OperatorOptions): Operator {
  const { objects, clock, speed = 1 } = options;
  const stopping = new AbortController();
  const story: string[] = [];
  const stage: Stage = {
    ...options,
    speed,
    jobImage: options.jobImage ?? null,
    traps: options.traps ?? {},
    story,
    wait: (seconds) => clock.sleep((seconds * 1_000) / speed, { signal: stopping.signal }),
  };
  const runs = new Map<string, Promise<void>>();
  const ended = (async () => {
    while (!stopping.signal.aborted) {
      for (const engine of await lookForEngines(objects, story)) {
        const uid = engine.metadata?.uid ?? '';
        if (runs.has(uid)) continue;
        runs.set(
          uid,
          runEngine(stage, engine).catch((error: unknown) => {
            if (!stopping.signal.aborted) story.push(`error: ${error instanceof Error ? error.message : String(error)}`);
          }),
        );
      }
      await stage.wait(SEEN.poll).catch((error: unknown) => {
        if (!stopping.signal.aborted) throw error;
      });
    }
    await Promise.all(runs.values());
  })();
  return {
    story,
    async stop() {
      stopping.abort(new Error('the operator is stopped'));
      await ended;
    },
  };
}

async function lookForEngines(objects: CustomObjectsPort, story: string[]): Promise<readonly ApiObject[]> {
  try {
    return await objects.list(ENGINES);
  } catch (error) {
    // As the real one: it logs and looks again.
    story.push(`error: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
}
