/** What CustomResourceDefinitions add to the API. Schemas are kept and not enforced; every served version shows the same object. */
import { isObject, valueAt } from './json.ts';
import type { KubeObject } from './objects.ts';
import { type PrinterColumn, type ResourceDefinition, resources } from './resources.ts';
import { ApiError } from './status.ts';
import type { Store } from './store.ts';

const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'] as const;

/** Everything served now: the fixed table and what the definitions in the store add. */
export function servedResources(store: Store): readonly ResourceDefinition[] {
  const definitions = store.list('customresourcedefinitions');
  return definitions.length === 0 ? resources : [...resources, ...definitions.flatMap(resourcesOf)];
}

/** Bucket of the objects of a definition; the same for all its versions. */
export function bucketOf(definition: KubeObject): `custom/${string}` {
  return `custom/${definition.metadata.name}`;
}

function resourcesOf(definition: KubeObject): readonly ResourceDefinition[] {
  const names = valueAt(definition, 'spec.names');
  const text = (key: string): string => String(valueAt(names, key) ?? '');
  const strings = (key: string): readonly string[] => {
    const list = valueAt(names, key);
    return Array.isArray(list) ? list.map(String) : [];
  };
  return servedVersions(definition).map((version) => ({
    group: String(valueAt(definition, 'spec.group')),
    version: String(valueAt(version, 'name')),
    plural: text('plural'),
    singular: text('singular') || text('kind').toLowerCase(),
    kind: text('kind'),
    namespaced: valueAt(definition, 'spec.scope') === 'Namespaced',
    verbs,
    shortNames: strings('shortNames'),
    categories: strings('categories'),
    stored: bucketOf(definition),
    plain: true,
    columns: printerColumns(version),
    ...(isObject(valueAt(version, 'subresources.status'))
      ? { statusApart: true, subresources: [{ name: 'status', kind: text('kind'), verbs: ['get', 'patch', 'update'] }] }
      : {}),
  }));
}

function servedVersions(definition: KubeObject): readonly unknown[] {
  const versions = valueAt(definition, 'spec.versions');
  return Array.isArray(versions) ? versions.filter((version) => valueAt(version, 'served') !== false) : [];
}

/** Only plain paths (`.spec.engineState`): filters and indexes of JSONPath show nothing. */
function printerColumns(version: unknown): readonly PrinterColumn[] {
  const columns = valueAt(version, 'additionalPrinterColumns');
  if (!Array.isArray(columns)) return [];
  return columns.flatMap((column): readonly PrinterColumn[] => {
    const [name, path, priority] = ['name', 'jsonPath', 'priority'].map((key) => valueAt(column, key));
    if (typeof name !== 'string' || typeof path !== 'string') return [];
    return [{ name, path: path.replace(/^\./, ''), priority: typeof priority === 'number' ? priority : 0 }];
  });
}

/** A definition as it is stored: established at once. */
export function establishedDefinition(object: KubeObject, now: string): KubeObject {
  requireDefinition(object);
  const names = valueAt(object, 'spec.names');
  const condition = (type: string, reason: string, message: string) => ({
    type,
    status: 'True',
    reason,
    message,
    lastTransitionTime: now,
  });
  const versions = valueAt(object, 'spec.versions');
  const status = {
    acceptedNames: names,
    conditions: [
      condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
    storedVersions: (Array.isArray(versions) ? versions : []).map((version) => valueAt(version, 'name')),
  };
  return { ...object, status } as KubeObject;
}

function requireDefinition(object: KubeObject): void {
  const { name } = object.metadata;
  const [group, plural, kind, scope] = ['spec.group', 'spec.names.plural', 'spec.names.kind', 'spec.scope'].map((path) =>
    valueAt(object, path),
  );
  const causes = [
    ...(typeof group === 'string' && group.includes('.') ? [] : [{ field: 'spec.group', message: 'Required value: a domain' }]),
    ...(typeof kind === 'string' && kind !== '' ? [] : [{ field: 'spec.names.kind', message: 'Required value' }]),
    ...(scope === 'Namespaced' || scope === 'Cluster'
      ? []
      : [{ field: 'spec.scope', message: 'Unsupported value: supported values: "Cluster", "Namespaced"' }]),
    ...(name === `${String(plural)}.${String(group)}`
      ? []
      : [{ field: 'metadata.name', message: 'Invalid value: must be spec.names.plural+"."+spec.group' }]),
    ...(servedVersions(object).length > 0 ? [] : [{ field: 'spec.versions', message: 'Required value: one that is served' }]),
    ...(resources.some((entry) => entry.group === group)
      ? [{ field: 'spec.group', message: "Forbidden: the lab's API serves this group itself" }]
      : []),
  ];
  if (causes.length > 0) throw ApiError.invalid('CustomResourceDefinition', name, causes);
}
