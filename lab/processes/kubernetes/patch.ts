/** The three patch formats that clients send. All return a new value and leave the input alone. */
import { isObject, sameJson } from './json.ts';
import { ApiError } from './status.ts';

/** RFC 7386: null removes, objects merge, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else setOwn(result, key, mergePatch(result[key], value));
  }
  return result;
}

/** Key by which a list merges, by the field that holds it; other lists are replaced whole. Source: patchMergeKey of the API types. */
const mergeKeys: Readonly<Record<string, string>> = {
  containers: 'name',
  initContainers: 'name',
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  conditions: 'type',
  ownerReferences: 'uid',
  imagePullSecrets: 'name',
};

export function strategicMergePatch(target: unknown, patch: unknown, field = ''): unknown {
  if (Array.isArray(patch)) return mergeLists(Array.isArray(target) ? target : [], patch, field);
  if (!isObject(patch)) return patch;
  if (patch.$patch === 'replace') return withoutDirectives(patch);
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  if (Array.isArray(patch.$retainKeys)) {
    for (const key of Object.keys(result)) if (!patch.$retainKeys.includes(key)) delete result[key];
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) continue;
    if (value === null) delete result[key];
    else setOwn(result, key, strategicMergePatch(result[key], value, key));
  }
  return result;
}

function mergeLists(target: readonly unknown[], patch: readonly unknown[], field: string): unknown {
  const mergeKey = mergeKeys[field];
  const entries = patch.filter((entry) => !(isObject(entry) && entry.$patch === 'replace'));
  if (mergeKey === undefined || entries.length !== patch.length) return entries.map(withoutDirectives);
  let result = [...target];
  for (const entry of entries) {
    if (!isObject(entry) || entry[mergeKey] === undefined) {
      throw ApiError.badRequest(`map: ${JSON.stringify(entry)} does not contain declared merge key: ${mergeKey}`);
    }
    const same = (item: unknown) => isObject(item) && item[mergeKey] === entry[mergeKey];
    if (entry.$patch === 'delete') result = result.filter((item) => !same(item));
    else if (result.some(same)) result = result.map((item) => (same(item) ? strategicMergePatch(item, entry) : item));
    else result.push(withoutDirectives(entry));
  }
  return result;
}

function withoutDirectives(value: unknown): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith('$')));
}

/** RFC 6902. A failed `test` or a path that is not there is a 422, as the API server answers it. */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw ApiError.badRequest('a JSON patch is a list of operations');
  return patch.reduce<unknown>(applyOperation, target);
}

function applyOperation(document: unknown, operation: unknown): unknown {
  if (!isObject(operation) || typeof operation.op !== 'string' || typeof operation.path !== 'string') {
    throw ApiError.badRequest(`invalid JSON patch operation: ${JSON.stringify(operation)}`);
  }
  const path = parsePointer(operation.path);
  const { op, value } = operation;
  if (op === 'test') {
    if (!sameJson(readPointer(document, path), value)) throw unprocessable(`testing value ${operation.path} failed`);
    return document;
  }
  if (op === 'remove') return edit(document, path, 'remove', undefined);
  if (op === 'add' || op === 'replace') {
    if (value === undefined) throw ApiError.badRequest(`JSON patch ${op} without a value`);
    return edit(document, path, op, value);
  }
  if (op === 'move' || op === 'copy') {
    if (typeof operation.from !== 'string') throw ApiError.badRequest(`JSON patch ${op} without from`);
    const from = parsePointer(operation.from);
    const moved = readPointer(document, from);
    return edit(op === 'move' ? edit(document, from, 'remove', undefined) : document, path, 'add', moved);
  }
  throw ApiError.badRequest(`unknown JSON patch operation ${JSON.stringify(op)}`);
}

function parsePointer(pointer: string): readonly string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw ApiError.badRequest(`invalid JSON pointer ${JSON.stringify(pointer)}`);
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function readPointer(document: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((current, step) => {
    if (Array.isArray(current)) return current[listIndex(step, current.length - 1)];
    if (isObject(current) && Object.hasOwn(current, step)) return current[step];
    throw unprocessable(`missing path: /${path.join('/')}`);
  }, document);
}

function edit(document: unknown, path: readonly string[], action: 'add' | 'replace' | 'remove', value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (Array.isArray(document)) {
    const adding = action === 'add' && rest.length === 0;
    const index = adding && step === '-' ? document.length : listIndex(step, adding ? document.length : document.length - 1);
    if (rest.length > 0) return document.with(index, edit(document[index], rest, action, value));
    if (action === 'remove') return document.toSpliced(index, 1);
    return document.toSpliced(index, action === 'add' ? 0 : 1, value);
  }
  if (!isObject(document)) throw unprocessable(`missing path: /${path.join('/')}`);
  const exists = Object.hasOwn(document, step);
  if (!exists && (rest.length > 0 || action !== 'add')) throw unprocessable(`missing path: /${path.join('/')}`);
  const result: Record<string, unknown> = { ...document };
  if (rest.length === 0 && action === 'remove') delete result[step];
  else setOwn(result, step, rest.length === 0 ? value : edit(document[step], rest, action, value));
  return result;
}

function listIndex(step: string, highest: number): number {
  const index = /^(0|[1-9]\d*)$/.test(step) ? Number(step) : -1;
  if (index < 0 || index > highest) throw unprocessable(`index out of range: ${step}`);
  return index;
}

/** `__proto__` in a patch becomes an ordinary key, not the prototype. */
function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}

function unprocessable(message: string): ApiError {
  return new ApiError(422, 'Invalid', `the server rejected our request due to an error in our request: ${message}`);
}
