/** Watch streams: what happened since a resourceVersion, then everything as it happens. */
import type { ServerResponse } from 'node:http';
import type { ControlClock } from './clock.ts';
import type { KubeObject, StoredResource } from './objects.ts';
import type { Predicate } from './selectors.ts';
import { ApiError } from './status.ts';
import type { Change, Store } from './store.ts';

export interface WatchRequest {
  readonly resource: StoredResource;
  readonly namespace: string | undefined;
  readonly matches: Predicate;
  /** As it came in the query; absent, empty or `0`: start with what there is. */
  readonly resourceVersion: string | null;
  /** WatchList: what there is first, then a bookmark that says so. */
  readonly sendInitialEvents: boolean;
  readonly allowBookmarks: boolean;
  readonly timeoutMs: number;
  /** The object in the form that the client accepts. */
  readonly render: (object: KubeObject) => unknown;
  readonly bookmark: (resourceVersion: string, initialEventsEnd: boolean) => unknown;
}

/** Below the 30 s of silence after which Node's client drops a watch. */
const bookmarkPeriodMs = 15_000;
/** A client that reads nothing is cut off instead of filling memory. */
const maxBufferedBytes = 16 * 1024 * 1024;

/** Starts the stream; the answer ends by itself at the timeout, on disconnect, or through the returned function. */
export function startWatch(store: Store, clock: ControlClock, request: WatchRequest, response: ServerResponse): () => void {
  const backlog = backlogOf(store, request);
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  const send = (type: string, object: unknown) => {
    response.write(`${JSON.stringify({ type, object })}\n`);
    if (response.writableLength > maxBufferedBytes) response.destroy();
  };
  const sendChange = (change: Change) => {
    const type = typeFor(change, request);
    if (type !== null) send(type, request.render(change.object));
  };
  for (const object of backlog.objects) send('ADDED', request.render(object));
  if (request.sendInitialEvents && request.allowBookmarks) send('BOOKMARK', request.bookmark(String(store.version), true));
  for (const change of backlog.changes) sendChange(change);

  const unsubscribe = store.onChange(sendChange);
  const bookmark = () => send('BOOKMARK', request.bookmark(String(store.version), false));
  let cancelBookmark = () => {};
  const scheduleBookmark = () => {
    cancelBookmark = clock.after(bookmarkPeriodMs, () => {
      bookmark();
      scheduleBookmark();
    });
  };
  if (request.allowBookmarks) scheduleBookmark();
  const cancelTimeout = clock.after(request.timeoutMs, () => {
    if (request.allowBookmarks) bookmark();
    end();
  });
  function end() {
    unsubscribe();
    cancelBookmark();
    cancelTimeout();
    response.end();
  }
  response.once('close', end);
  return end;
}

function backlogOf(
  store: Store,
  request: WatchRequest,
): { readonly objects: readonly KubeObject[]; readonly changes: readonly Change[] } {
  const version = request.resourceVersion ?? '';
  if (version === '' || version === '0' || request.sendInitialEvents) {
    return { objects: store.list(request.resource, request.namespace).filter(request.matches), changes: [] };
  }
  if (!/^\d+$/.test(version)) throw ApiError.badRequest(`Invalid value: ${JSON.stringify(version)}: resourceVersion`);
  const changes = store.changesSince(Number(version));
  if (changes === null) throw ApiError.expired(Number(version), store.version);
  return { objects: [], changes };
}

/** A change as the selected set sees it: an object may enter or leave it without being created or deleted. */
function typeFor(change: Change, request: WatchRequest): 'ADDED' | 'MODIFIED' | 'DELETED' | null {
  if (change.resource !== request.resource) return null;
  if (request.namespace !== undefined && change.object.metadata.namespace !== request.namespace) return null;
  const before = change.previous !== null && request.matches(change.previous);
  const after = change.type !== 'DELETED' && request.matches(change.object);
  if (before && after) return 'MODIFIED';
  if (after) return 'ADDED';
  return before ? 'DELETED' : null;
}
