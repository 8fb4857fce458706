import type { ApiObject, ApiResource, Clock, CustomObjectsPort } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';

export interface FakeCustomObjects extends CustomObjectsPort {
  /** Kinds that this API does not serve, by plural. */
  readonly unserved: Set<string>;
  readonly logs: Map<string, string>;
  /** Every call, `create chaosengines x`. */
  readonly calls: string[];
  /** Calls fail with these words while set. */
  down: string | null;
  put(resource: ApiResource, object: ApiObject): ApiObject;
}

/** Objects of any kind in memory, with UIDs, conflicts, merge patches and finalizers as the API server has them. */
export function createFakeCustomObjects({ clock }: { readonly clock: Clock }): FakeCustomObjects {
  const stored = new Map<string, Map<string, ApiObject>>();
  let made = 0;
  const bucket = ({ group, plural }: ApiResource): Map<string, ApiObject> => {
    const key = `${plural}.${group}`;
    const known = stored.get(key) ?? new Map<string, ApiObject>();
    stored.set(key, known);
    return known;
  };
  const guard = (verb: string, { plural }: ApiResource, name = ''): void => {
    fake.calls.push(`${verb} ${plural} ${name}`.trimEnd());
    if (fake.down !== null) throw new HarnessError('ERR_KUBERNETES', fake.down);
    if (fake.unserved.has(plural))
      throw new HarnessError('ERR_KUBERNETES', `${verb} ${plural}: 404 page not found (404)`, {
        hint: 'this cluster does not serve that kind of object: is its CustomResourceDefinition installed?',
      });
  };
  const fake: FakeCustomObjects = {
    namespace: 'erp',
    unserved: new Set(),
    logs: new Map(),
    calls: [],
    down: null,
    put(resource, object) {
      made += 1;
      const uid = object.metadata?.uid ?? `object-uid-${made}`;
      const creationTimestamp = object.metadata?.creationTimestamp ?? new Date(clock.now()).toISOString();
      const full: ApiObject = { ...object, metadata: { ...object.metadata, uid, creationTimestamp } };
      bucket(resource).set(full.metadata?.name ?? '', full);
      return full;
    },
    async fetch(resource, name) {
      guard('get', resource, name);
      return bucket(resource).get(name) ?? null;
    },
    async list(resource, { labelSelector = '' } = {}) {
      guard('list', resource);
      const wanted = labelSelector === '' ? [] : labelSelector.split(',').map((part) => part.split('='));
      return [...bucket(resource).values()].filter(({ metadata }) =>
        wanted.every(([key = '', value]) => metadata?.labels?.[key] === value),
      );
    },
    async create(resource, object) {
      const name = object.metadata?.name ?? '';
      guard('create', resource, name);
      if (bucket(resource).has(name))
        throw new HarnessError(
          'ERR_KUBERNETES',
          `creating ${resource.plural} ${name}: ${resource.plural} "${name}" already exists (409)`,
        );
      return fake.put(resource, object);
    },
    async patch(resource, name, change) {
      guard('patch', resource, name);
      const current = bucket(resource).get(name);
      if (current === undefined)
        throw new HarnessError(
          'ERR_KUBERNETES',
          `changing ${resource.plural} ${name}: ${resource.plural} "${name}" not found (404)`,
        );
      const next = merge(current, change) as ApiObject;
      bucket(resource).set(name, next);
      settleDeletion(bucket(resource), next);
      return next;
    },
    async remove(resource, name, { uid } = {}) {
      guard('delete', resource, name);
      const current = bucket(resource).get(name);
      if (current === undefined) return false;
      if (uid !== undefined && uid !== current.metadata?.uid)
        throw new HarnessError('ERR_KUBERNETES', 'the UID does not match (409)');
      const marked = { ...current, metadata: { ...current.metadata, deletionTimestamp: new Date(clock.now()).toISOString() } };
      bucket(resource).set(name, marked);
      settleDeletion(bucket(resource), marked);
      return true;
    },
    async fetchPodLog(pod) {
      const log = fake.logs.get(pod);
      if (log === undefined)
        throw new HarnessError('ERR_KUBERNETES', `reading the log of pod ${pod}: pods "${pod}" not found (404)`);
      return log;
    },
  };
  return fake;
}

/** An object that is being deleted goes with its last finalizer. */
function settleDeletion(objects: Map<string, ApiObject>, { metadata = {} }: ApiObject): void {
  if (metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0) objects.delete(metadata.name ?? '');
}

/** JSON merge patch. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}
