/** Discovery documents (`/api`, `/apis`, group and version lists), as plain lists that every kubectl falls back to. */
import { apiVersionOf, resources } from './resources.ts';

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

function groupOf(name: string): object {
  const versions = [...new Set(resources.filter((entry) => entry.group === name).map((entry) => entry.version))].map(
    (version) => ({ groupVersion: `${name}/${version}`, version }),
  );
  return { name, versions, preferredVersion: versions[0] };
}

export function groupNames(): readonly string[] {
  return [...new Set(resources.map((entry) => entry.group))].filter((name) => name !== '');
}

export function groupList(): object {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groupNames().map(groupOf) };
}

export function group(name: string): object | null {
  return groupNames().includes(name) ? { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(name) } : null;
}

export function resourceList(groupName: string, version: string): object | null {
  const served = resources.filter((entry) => entry.group === groupName && entry.version === version);
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
