/** Label and field selectors of list and watch requests; a malformed one is a 400, never "everything". */
import { valueAt } from './json.ts';
import type { KubeObject, LabelSelectorObject } from './objects.ts';
import { ApiError } from './status.ts';

export type Predicate = (object: KubeObject) => boolean;

const labelKey = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

export function parseLabelSelector(text: string): Predicate {
  const terms = splitTerms(text).map((term) => parseLabelTerm(term, text));
  return (object) => terms.every((matches) => matches(object.metadata.labels ?? {}));
}

/** Commas separate terms except inside `in (a,b)`. */
function splitTerms(text: string): readonly string[] {
  if (text.trim() === '') return [];
  const terms: string[] = [];
  let depth = 0;
  let current = '';
  for (const character of text) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (depth < 0 || depth > 1) throw unparsable(text);
    if (character === ',' && depth === 0) {
      terms.push(current);
      current = '';
    } else current += character;
  }
  if (depth !== 0) throw unparsable(text);
  return [...terms, current].map((term) => term.trim());
}

function parseLabelTerm(term: string, text: string): (labels: Readonly<Record<string, string>>) => boolean {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(term);
  if (set !== null) {
    const name = checkedKey(set[1] ?? '', text);
    const values = new Set((set[3] ?? '').split(',').map((value) => checkedValue(value.trim(), text)));
    return set[2] === 'in'
      ? (labels) => Object.hasOwn(labels, name) && values.has(labels[name] ?? '')
      : (labels) => !Object.hasOwn(labels, name) || !values.has(labels[name] ?? '');
  }
  const compare = /^([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)$/.exec(term);
  if (compare !== null) {
    const name = checkedKey(compare[1] ?? '', text);
    const value = checkedValue(compare[3] ?? '', text);
    return compare[2] === '!='
      ? (labels) => !Object.hasOwn(labels, name) || labels[name] !== value
      : (labels) => Object.hasOwn(labels, name) && labels[name] === value;
  }
  const absent = /^!\s*(\S+)$/.exec(term);
  if (absent !== null) {
    const name = checkedKey(absent[1] ?? '', text);
    return (labels) => !Object.hasOwn(labels, name);
  }
  const name = checkedKey(term, text);
  return (labels) => Object.hasOwn(labels, name);
}

function checkedKey(key: string, text: string): string {
  if (!labelKey.test(key)) throw unparsable(text);
  return key;
}

function checkedValue(value: string, text: string): string {
  if (!labelValue.test(value)) throw unparsable(text);
  return value;
}

function unparsable(text: string): ApiError {
  return ApiError.badRequest(`unable to parse requirement: invalid label selector ${JSON.stringify(text)}`);
}

const everyKind = ['metadata.name', 'metadata.namespace'];

/** Fields each resource can be selected by, as in Kubernetes. */
const selectableFields: Readonly<Record<string, readonly string[]>> = {
  pods: ['spec.nodeName', 'spec.restartPolicy', 'spec.schedulerName', 'spec.serviceAccountName', 'status.phase', 'status.podIP'],
  events: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  namespaces: ['status.phase'],
  nodes: ['spec.unschedulable'],
  replicasets: ['status.replicas'],
};

export function parseFieldSelector(text: string, plural: string): Predicate {
  if (text.trim() === '') return () => true;
  const terms = text.split(',').map((term) => {
    const parsed = /^\s*([^=!\s]+)\s*(==|=|!=)\s*(\S*)\s*$/.exec(term);
    if (parsed === null) throw ApiError.badRequest(`invalid field selector ${JSON.stringify(text)}`);
    const [, path = '', operator, wanted = ''] = parsed;
    if (![...everyKind, ...(selectableFields[plural] ?? [])].includes(path)) {
      throw ApiError.badRequest(`field label not supported: ${path}`);
    }
    const negated = operator === '!=';
    return (object: KubeObject) => (fieldText(object, path) === wanted) !== negated;
  });
  return (object) => terms.every((matches) => matches(object));
}

function fieldText(object: KubeObject, path: string): string {
  const value = path === 'source' ? valueAt(object, 'source.component') : valueAt(object, path);
  if (value === undefined || value === null) return path === 'spec.unschedulable' ? 'false' : '';
  return String(value);
}

export function matchesLabels(
  labels: Readonly<Record<string, string>> | undefined,
  wanted: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(wanted).every(([key, value]) => labels?.[key] === value);
}

/** A selector object as clients write it; without one nothing matches, an empty one matches everything. */
export function matchesSelector(object: KubeObject, selector: LabelSelectorObject | undefined): boolean {
  if (selector === undefined) return false;
  const labels = object.metadata.labels ?? {};
  return (
    matchesLabels(labels, selector.matchLabels ?? {}) &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'Exists') return value !== undefined;
      if (operator === 'DoesNotExist') return value === undefined;
      const among = value !== undefined && values.includes(value);
      return operator === 'In' ? among : !among;
    })
  );
}

/** A selector object as the text form, for `scale.status.selector`. */
export function formatSelector(matchLabels: Readonly<Record<string, string>>): string {
  return Object.entries(matchLabels)
    .map(([key, value]) => `${key}=${value}`)
    .toSorted()
    .join(',');
}
