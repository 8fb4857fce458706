/** Discovery documents (`/api`, `/apis`, group and version lists), as plain lists that every kubectl falls back to. */
import { apiVersionOf, type ResourceDefinition } from './resources.ts';

type Served = readonly ResourceDefinition[];

export const serverVersion = {
  major: '1',
  minor: '33',
  gitVersion: 'v1.33.0+peakproof-lab',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'node',
  platform: `${process.platform}/${process.arch}`,
} as const;

export function coreVersions(address: string): object {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
  };
}

function groupOf(served: Served, name: string): object {
  const versions = [...new Set(served.filter((entry) => entry.group === name).map((entry) => entry.version))].map((version) => ({
    groupVersion: `${name}/${version}`,
    version,
  }));
  return { name, versions, preferredVersion: versions[0] };
}

export function groupNames(served: Served): readonly string[] {
  return [...new Set(served.map((entry) => entry.group))].filter((name) => name !== '');
}

export function groupList(served: Served): object {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groupNames(served).map((name) => groupOf(served, name)) };
}

export function group(served: Served, name: string): object | null {
  return groupNames(served).includes(name) ? { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(served, name) } : null;
}

export function resourceList(all: Served, groupName: string, version: string): object | null {
  const served = all.filter((entry) => entry.group === groupName && entry.version === version);
  const first = served[0];
  if (first === undefined) return null;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf(first),
    resources: served.flatMap((entry) => [
      {
        name: entry.plural,
        singularName: entry.singular,
        namespaced: entry.namespaced,
        kind: entry.kind,
        verbs: entry.verbs,
        ...(entry.shortNames === undefined ? {} : { shortNames: entry.shortNames }),
        ...(entry.categories === undefined ? {} : { categories: entry.categories }),
      },
      ...(entry.subresources ?? []).map((sub) => ({
        name: `${entry.plural}/${sub.name}`,
        singularName: '',
        namespaced: entry.namespaced,
        ...(sub.group === undefined ? {} : { group: sub.group, version: sub.version }),
        kind: sub.kind,
        verbs: sub.verbs,
      })),
    ]),
  };
}
