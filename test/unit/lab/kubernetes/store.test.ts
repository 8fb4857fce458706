import { describe, expect, test } from 'vitest';
import type { Namespace } from '../../../../lab/processes/kubernetes/objects.ts';
import { Store } from '../../../../lab/processes/kubernetes/store.ts';

function aNamespace(name: string, phase = 'Active', uid = `uid-${name}`): Namespace {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, uid, creationTimestamp: '' }, spec: {}, status: { phase } };
}

describe('Store', () => {
  test('every change raises the resource version, writing the same again does not', () => {
    const store = new Store();
    const created = store.create('namespaces', aNamespace('a'));
    expect(store.update('namespaces', aNamespace('a'))).toBe(created);
    const changed = store.update('namespaces', aNamespace('a', 'Terminating'));
    expect(Number(changed?.metadata.resourceVersion)).toBeGreaterThan(Number(created.metadata.resourceVersion));
    expect(String(store.version)).toBe(changed?.metadata.resourceVersion);
  });

  test('an object of another UID is not overwritten', () => {
    const store = new Store();
    store.create('namespaces', aNamespace('a'));
    expect(store.update('namespaces', aNamespace('a', 'Terminating', 'other'))).toBeUndefined();
    expect(store.delete('namespaces', aNamespace('a', 'Active', 'other'))).toBeUndefined();
    expect(store.list('namespaces')).toHaveLength(1);
  });

  test('gives the changes since a version, each with the object before', () => {
    const store = new Store();
    const created = store.create('namespaces', aNamespace('a'));
    store.update('namespaces', aNamespace('a', 'Terminating'));
    store.delete('namespaces', created);
    const changes = store.changesSince(Number(created.metadata.resourceVersion));
    expect(changes?.map((change) => change.type)).toEqual(['MODIFIED', 'DELETED']);
    expect(changes?.[0]?.previous).toBe(created);
  });

  test('says that it forgot instead of leaving a gap', () => {
    const store = new Store({ historyLimit: 5 });
    store.create('namespaces', aNamespace('a'));
    const early = store.version;
    for (let index = 0; index < 20; index += 1) store.update('namespaces', aNamespace('a', `phase-${index}`));
    expect(store.changesSince(early)).toBeNull();
    const recent = store.version - 3;
    expect(store.changesSince(recent)).toHaveLength(3);
  });
});
