import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonPatch, mergePatch, strategicMergePatch } from '../../../../lab/processes/kubernetes/patch.ts';

describe('mergePatch', () => {
  test('merges objects, removes on null, replaces lists', () => {
    const target = { a: { b: 1, c: 2 }, list: [1, 2] };
    expect(mergePatch(target, { a: { b: null, d: 3 }, list: [9] })).toEqual({ a: { c: 2, d: 3 }, list: [9] });
    expect(target).toEqual({ a: { b: 1, c: 2 }, list: [1, 2] });
  });

  test('applied twice is the same as once', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (target, patch) => {
        const once = mergePatch(target, patch);
        expect(mergePatch(once, patch)).toEqual(once);
      }),
    );
  });

  test('does not reach the prototype', () => {
    const patched = mergePatch({}, JSON.parse('{"__proto__": {"polluted": true}}'));
    expect(Object.getPrototypeOf(patched)).toBe(Object.prototype);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('strategicMergePatch', () => {
  const spec = { template: { spec: { containers: [{ name: 'erp', image: 'erp:1', env: [{ name: 'A', value: '1' }] }] } } };

  test('merges containers and their variables by name', () => {
    const patch = { template: { spec: { containers: [{ name: 'erp', image: 'erp:2', env: [{ name: 'B', value: '2' }] }] } } };
    expect(strategicMergePatch(spec, patch)).toEqual({
      template: {
        spec: {
          containers: [
            {
              name: 'erp',
              image: 'erp:2',
              env: [
                { name: 'A', value: '1' },
                { name: 'B', value: '2' },
              ],
            },
          ],
        },
      },
    });
  });

  test('obeys the directives for deleting and replacing', () => {
    const patch = { env: [{ name: 'A', $patch: 'delete' }] };
    expect(strategicMergePatch({ env: [{ name: 'A' }, { name: 'B' }] }, patch)).toEqual({ env: [{ name: 'B' }] });
    expect(strategicMergePatch({ labels: { a: '1' } }, { labels: { b: '2', $patch: 'replace' } })).toEqual({
      labels: { b: '2' },
    });
    expect(
      strategicMergePatch(
        { strategy: { type: 'RollingUpdate', rollingUpdate: {} } },
        { strategy: { type: 'Recreate', $retainKeys: ['type'] } },
      ),
    ).toEqual({
      strategy: { type: 'Recreate' },
    });
  });

  test('replaces lists that have no merge key', () => {
    expect(strategicMergePatch({ args: ['a'] }, { args: ['b'] })).toEqual({ args: ['b'] });
  });

  test('refuses an entry without its merge key', () => {
    expect(() => strategicMergePatch(spec.template.spec, { containers: [{ image: 'x' }] })).toThrow(
      'does not contain declared merge key: name',
    );
  });
});

describe('jsonPatch', () => {
  test('applies the operations in order', () => {
    const patched = jsonPatch({ spec: { replicas: 2, list: ['a', 'c'] } }, [
      { op: 'test', path: '/spec/replicas', value: 2 },
      { op: 'replace', path: '/spec/replicas', value: 3 },
      { op: 'add', path: '/spec/list/1', value: 'b' },
      { op: 'add', path: '/spec/list/-', value: 'd' },
      { op: 'copy', from: '/spec/list/0', path: '/spec/first' },
      { op: 'move', from: '/spec/first', path: '/first' },
      { op: 'remove', path: '/spec/list/0' },
    ]);
    expect(patched).toEqual({ spec: { replicas: 3, list: ['b', 'c', 'd'] }, first: 'a' });
  });

  test('reads escaped pointers', () => {
    const patch = [{ op: 'remove', path: '/labels/app.kubernetes.io~1name' }];
    expect(jsonPatch({ labels: { 'app.kubernetes.io/name': 'erp' } }, patch)).toEqual({ labels: {} });
  });

  test.each([
    [[{ op: 'test', path: '/a', value: 2 }], 'testing value /a failed'],
    [[{ op: 'remove', path: '/b' }], 'missing path'],
    [[{ op: 'replace', path: '/b/c', value: 1 }], 'missing path'],
    [[{ op: 'add', path: '/list/5', value: 1 }], 'index out of range'],
    [[{ op: 'add', path: '/list/01', value: 1 }], 'index out of range'],
    [[{ op: 'increment', path: '/a' }], 'unknown JSON patch operation'],
    [{ op: 'add' }, 'a list of operations'],
  ])('refuses %j', (patch, message) => {
    expect(() => jsonPatch({ a: 1, list: [] }, patch)).toThrow(message);
  });
});
