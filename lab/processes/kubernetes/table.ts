/** Server-side tables: `kubectl get` prints exactly these columns. */
import type { KubeObject } from './objects.ts';
import type { PrinterColumn } from './resources.ts';
import { columnsOf } from './table-columns.ts';

export type IncludeObject = 'None' | 'Metadata' | 'Object';

export function renderTable(
  plural: string,
  objects: readonly KubeObject[],
  options: {
    readonly nowMs: number;
    readonly includeObject: IncludeObject;
    readonly listVersion?: string;
    readonly extra?: readonly PrinterColumn[];
  },
): object {
  const columns = columnsOf(plural, options.extra);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: options.listVersion ?? objects[0]?.metadata.resourceVersion ?? '' },
    columnDefinitions: columns.map((column) => ({
      name: column.name,
      type: column.type ?? 'string',
      format: column.format ?? '',
      description: '',
      priority: column.priority ?? 0,
    })),
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.cell(object, options.nowMs)),
      object: rowObject(object, options.includeObject),
    })),
  };
}

function rowObject(object: KubeObject, include: IncludeObject): object | undefined {
  if (include === 'None') return undefined;
  if (include === 'Object') return object;
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}
