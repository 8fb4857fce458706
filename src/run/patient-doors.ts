/**
 * The Kubernetes doors of a fault, which outlast an API server that is away for a while: what changes the target is tried
 * again until it is answered. Looks are not, since those who wait for something look again by themselves. Each change is one
 * that may be asked for twice: it names a UID, sets a value, or its second answer tells that the first was heard.
 */
import type { FaultDoors } from '../../chaos/fault.ts';
import { apiTrouble, surelyNotDone } from '../clients/kubernetes-errors.ts';
import type { CustomObjectsPort, KubernetesPort } from '../clients/ports.ts';
import { retryTransient } from '../clients/retry-transient.ts';

export interface Patience {
  readonly limitMs: number;
  readonly signal?: AbortSignal;
}

export interface PatientDoors {
  readonly doors: FaultDoors;
  /**
   * When the target was first touched, if that had to wait: just before the first try that was heard, or may have been.
   * Null: nothing waited, or nothing was touched.
   */
  touchedAt(): number | null;
  /** What had to be tried again, one sentence each. */
  waits(): readonly string[];
}

export function patientDoors(given: FaultDoors, { limitMs, signal }: Patience): PatientDoors {
  const { clock, kubernetes, customObjects } = given;
  const told: string[] = [];
  let touchedAt: number | null = null;
  let waited = false;

  const persist = async <Value>(
    what: string,
    work: () => Promise<Value>,
    wasHeard?: (error: unknown) => Value | undefined | Promise<Value | undefined>,
  ): Promise<Value> => {
    const startedAt = clock.monotonic();
    let ambiguous = false;
    let last: unknown;
    const attempt = async (): Promise<Value> => {
      const at = clock.now();
      const touch = (): void => {
        touchedAt ??= at;
      };
      try {
        const value = await work();
        touch();
        return value;
      } catch (error) {
        const heard = ambiguous && wasHeard !== undefined ? await wasHeard(error) : undefined;
        if (heard !== undefined) return heard;
        if (apiTrouble(error) !== null && !surelyNotDone(error)) {
          touch();
          ambiguous = true;
        }
        throw error;
      }
    };
    const onRetry = (error: unknown): void => {
      waited = true;
      last = error;
    };
    try {
      return await retryTransient(attempt, { timeoutMs: limitMs, clock, onRetry, ...(signal && { signal }) });
    } finally {
      if (last !== undefined) {
        const seconds = Math.round((clock.monotonic() - startedAt) / 100) / 10;
        told.push(`${what} was tried for ${seconds} s: ${last instanceof Error ? last.message : String(last)}`);
      }
    }
  };

  const doors: FaultDoors = {
    ...given,
    ...(kubernetes === undefined ? {} : { kubernetes: patientKubernetes(kubernetes, persist) }),
    ...(customObjects === undefined ? {} : { customObjects: patientObjects(customObjects, persist) }),
  };
  return { doors, touchedAt: () => (waited ? touchedAt : null), waits: () => told };
}

type Persist = <Value>(
  what: string,
  work: () => Promise<Value>,
  wasHeard?: (error: unknown) => Value | undefined | Promise<Value | undefined>,
) => Promise<Value>;

/** Marks `void` answers, which `undefined` could not. */
const DONE = Symbol('done');

function patientKubernetes(port: KubernetesPort, persist: Persist): KubernetesPort {
  const perform = async (
    what: string,
    work: () => Promise<void>,
    wasHeard?: (error: unknown) => typeof DONE | undefined,
  ): Promise<void> => {
    await persist<typeof DONE>(what, () => work().then((): typeof DONE => DONE), wasHeard);
  };
  return {
    ...port,
    deletePod: (name, options) =>
      options.dryRun === true
        ? port.deletePod(name, options)
        : perform(`deleting pod ${name}`, () => port.deletePod(name, options), goneAlready),
    nodes: {
      ...port.nodes,
      setUnschedulable: (node, unschedulable, annotation) =>
        perform(`changing node ${node}`, () => port.nodes.setUnschedulable(node, unschedulable, annotation)),
      // A second eviction of a pod that went is answered by `gone`.
      evict: (pod, options) => persist(`evicting pod ${pod.name}`, () => port.nodes.evict(pod, options)),
    },
    rollouts: {
      ...port.rollouts,
      changeTemplate: (deployment, change) =>
        perform(`changing deployment ${deployment}`, () => port.rollouts.changeTemplate(deployment, change)),
      rollTo: (deployment, replicaSet) =>
        perform(`rolling deployment ${deployment} back`, () => port.rollouts.rollTo(deployment, replicaSet)),
    },
  };
}

/** After a try that may have been heard: the pod is not there any more, or its name is another pod's. */
function goneAlready(error: unknown): typeof DONE | undefined {
  const replaced = error instanceof Error && /\(409\)/.test(error.message) && /UID/i.test(error.message);
  return apiTrouble(error) === 'not-found' || replaced ? DONE : undefined;
}

function patientObjects(port: CustomObjectsPort, persist: Persist): CustomObjectsPort {
  return {
    ...port,
    create(resource, object) {
      const name = object.metadata?.name ?? '';
      return persist(
        `creating ${resource.plural} ${name}`,
        () => port.create(resource, object),
        async (error) => {
          const exists = error instanceof Error && /\(409\)/.test(error.message);
          return exists && name !== '' ? ((await port.fetch(resource, name)) ?? undefined) : undefined;
        },
      );
    },
    patch: (resource, name, change, options) =>
      persist(`changing ${resource.plural} ${name}`, () => port.patch(resource, name, change, options)),
    remove: (resource, name, options) =>
      persist(`deleting ${resource.plural} ${name}`, () => port.remove(resource, name, options)),
  };
}
