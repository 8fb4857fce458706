/**
 * The lab's etcd: objects by resource, namespace and name under one growing resourceVersion, and the recent changes for watches.
 */
import { sameJson } from './json.ts';
import type { KubeObject, StoredObjects, StoredResource } from './objects.ts';
import { ApiError } from './status.ts';

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: StoredResource;
  readonly version: number;
  readonly object: KubeObject;
  /** The object before; null for ADDED. */
  readonly previous: KubeObject | null;
}

/** Changes kept for watches that resume; an older resourceVersion is answered with 410. */
const defaultHistoryLimit = 5_000;

export class Store {
  readonly #objects = new Map<StoredResource, Map<string, KubeObject>>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #historyLimit: number;
  #history: Change[] = [];
  #forgottenVersion = 0;
  #version = 1;

  constructor(options: { readonly historyLimit?: number } = {}) {
    this.#historyLimit = options.historyLimit ?? defaultHistoryLimit;
  }

  get version(): number {
    return this.#version;
  }

  list<R extends StoredResource>(resource: R, namespace?: string): readonly StoredObjects[R][] {
    const all = [...this.#bucket(resource).values()] as unknown as StoredObjects[R][];
    const wanted = namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
    return wanted.toSorted((left, right) => compareKeys(keyOf(left), keyOf(right)));
  }

  get<R extends StoredResource>(resource: R, namespace: string | undefined, name: string): StoredObjects[R] | undefined {
    return this.#bucket(resource).get(key(namespace, name)) as StoredObjects[R] | undefined;
  }

  create<R extends StoredResource>(resource: R, object: StoredObjects[R]): StoredObjects[R] {
    if (this.#bucket(resource).has(keyOf(object))) throw ApiError.alreadyExists(resource, object.metadata.name);
    return this.#put('ADDED', resource, object, null);
  }

  /** Replaces; an object equal to the stored one costs no resourceVersion. Answers undefined when it is gone. */
  update<R extends StoredResource>(resource: R, object: StoredObjects[R]): StoredObjects[R] | undefined {
    const previous = this.get(resource, object.metadata.namespace, object.metadata.name);
    if (previous === undefined || previous.metadata.uid !== object.metadata.uid) return undefined;
    const sameVersion = { ...object, metadata: { ...object.metadata, resourceVersion: previous.metadata.resourceVersion } };
    if (sameJson(sameVersion, previous)) return previous;
    return this.#put('MODIFIED', resource, object, previous);
  }

  /** Reads, changes, writes; nothing happens when the object is gone or has another UID. */
  mutate<R extends StoredResource>(
    resource: R,
    target: KubeObject,
    change: (current: StoredObjects[R]) => StoredObjects[R],
  ): StoredObjects[R] | undefined {
    const current = this.get(resource, target.metadata.namespace, target.metadata.name);
    if (current === undefined || current.metadata.uid !== target.metadata.uid) return undefined;
    return this.update(resource, change(current));
  }

  delete<R extends StoredResource>(resource: R, target: KubeObject): StoredObjects[R] | undefined {
    const current = this.get(resource, target.metadata.namespace, target.metadata.name);
    if (current === undefined || current.metadata.uid !== target.metadata.uid) return undefined;
    this.#bucket(resource).delete(keyOf(current));
    this.#version += 1;
    const object = { ...current, metadata: { ...current.metadata, resourceVersion: String(this.#version) } };
    this.#publish({ type: 'DELETED', resource, version: this.#version, object, previous: current });
    return object;
  }

  /** Changes after a version; null when some of them are already forgotten. */
  changesSince(version: number): readonly Change[] | null {
    if (version < this.#forgottenVersion) return null;
    return this.#history.filter((change) => change.version > version);
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #put<R extends StoredResource>(
    type: 'ADDED' | 'MODIFIED',
    resource: R,
    object: StoredObjects[R],
    previous: KubeObject | null,
  ): StoredObjects[R] {
    this.#version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
    this.#bucket(resource).set(keyOf(stored), stored);
    this.#publish({ type, resource, version: this.#version, object: stored, previous });
    return stored;
  }

  #publish(change: Change): void {
    this.#history.push(change);
    // Trimmed in halves: shifting one entry per change would be linear each time.
    if (this.#history.length > this.#historyLimit * 2) {
      const dropped = this.#history.length - this.#historyLimit;
      this.#forgottenVersion = this.#history[dropped - 1]?.version ?? this.#forgottenVersion;
      this.#history = this.#history.slice(dropped);
    }
    for (const listener of [...this.#listeners]) listener(change);
  }

  #bucket(resource: StoredResource): Map<string, KubeObject> {
    const known = this.#objects.get(resource);
    if (known !== undefined) return known;
    const created = new Map<string, KubeObject>();
    this.#objects.set(resource, created);
    return created;
  }
}

function key(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

function keyOf(object: KubeObject): string {
  return key(object.metadata.namespace, object.metadata.name);
}

function compareKeys(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
