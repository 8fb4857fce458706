/** Records events as the API's event recorder does: the same object, reason and message counts up instead of repeating. */
import { type ControlClock, timestamp } from './clock.ts';
import { newUid } from './naming.ts';
import type { CoreEvent, KubeObject, ObjectReference } from './objects.ts';
import type { Store } from './store.ts';

export interface RecordedEvent {
  readonly involved: ObjectReference;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly component: string;
}

/** Kubernetes forgets events after an hour; a lab also caps their number. */
const eventLifetimeMs = 3_600_000;
const maxEvents = 2_000;
const sweepPeriodMs = 60_000;

export class EventRecorder {
  readonly #store: Store;
  readonly #clock: ControlClock;
  readonly #known = new Map<string, CoreEvent>();
  readonly #namespace: string;
  #sweptAt = 0;

  constructor(store: Store, clock: ControlClock, namespace: string) {
    this.#store = store;
    this.#clock = clock;
    this.#namespace = namespace;
  }

  record(event: RecordedEvent): void {
    const { involved } = event;
    const key = [involved.kind, involved.name, involved.uid, involved.fieldPath, event.type, event.reason, event.message].join(
      '\0',
    );
    const now = timestamp(this.#clock.now());
    const known = this.#known.get(key);
    const repeated = known && this.#store.mutate('events', known, (current) => repeat(current, now));
    if (repeated !== undefined) return;
    this.#forgetOld();
    const uid = newUid();
    const created = this.#store.create('events', {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {
        name: `${involved.name}.${uid.replaceAll('-', '').slice(0, 16)}`,
        namespace: involved.namespace ?? this.#namespace,
        uid,
        creationTimestamp: now,
      },
      involvedObject: involved,
      reason: event.reason,
      message: event.message,
      type: event.type,
      count: 1,
      firstTimestamp: now,
      lastTimestamp: now,
      eventTime: null,
      source: { component: event.component },
      reportingComponent: event.component,
      reportingInstance: '',
    });
    this.#known.set(key, created);
  }

  /** Looks through all events at most once a minute, unless there are too many. */
  #forgetOld(): void {
    const now = this.#clock.now();
    if (this.#known.size < maxEvents && now - this.#sweptAt < sweepPeriodMs) return;
    this.#sweptAt = now;
    const events = this.#store.list('events').toSorted((a, b) => Date.parse(a.lastTimestamp) - Date.parse(b.lastTimestamp));
    const cutoff = now - eventLifetimeMs;
    const surplus = Math.max(0, events.length + 1 - maxEvents);
    const old = events.filter((event, index) => index < surplus || Date.parse(event.lastTimestamp) < cutoff);
    if (old.length === 0) return;
    const uids = new Set(old.map((event) => event.metadata.uid));
    for (const [key, event] of this.#known) if (uids.has(event.metadata.uid)) this.#known.delete(key);
    for (const event of old) this.#store.delete('events', event);
  }
}

function repeat(event: CoreEvent, now: string): CoreEvent {
  return { ...event, count: event.count + 1, lastTimestamp: now };
}

export function referenceTo(object: KubeObject, fieldPath?: string): ObjectReference {
  return {
    kind: object.kind,
    ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
    name: object.metadata.name,
    uid: object.metadata.uid,
    apiVersion: object.apiVersion,
    ...(object.metadata.resourceVersion === undefined ? {} : { resourceVersion: object.metadata.resourceVersion }),
    ...(fieldPath === undefined ? {} : { fieldPath }),
  };
}
