import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../../lab/processes/kubernetes/objects.ts';
import { parseFieldSelector, parseLabelSelector } from '../../../../lab/processes/kubernetes/selectors.ts';
import { ApiError } from '../../../../lab/processes/kubernetes/status.ts';

function withLabels(labels: Readonly<Record<string, string>>): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'pod-1', namespace: 'erp', uid: 'u', creationTimestamp: '', labels },
  };
}

describe('parseLabelSelector', () => {
  test.each([
    ['', {}, true],
    ['app=erp', { app: 'erp' }, true],
    ['app==erp,role!=primary', { app: 'erp', role: 'replica' }, true],
    ['app=erp,role!=primary', { app: 'erp' }, true],
    ['app=erp', { app: 'postgres' }, false],
    ['app in (erp, postgres)', { app: 'postgres' }, true],
    ['app notin (erp)', {}, true],
    ['app notin (erp)', { app: 'erp' }, false],
    ['role', { role: '' }, true],
    ['role', {}, false],
    ['!role', {}, true],
    ['app.kubernetes.io/name=erp', { 'app.kubernetes.io/name': 'erp' }, true],
    ['constructor', {}, false],
  ])('%j on %j is %j', (selector, labels, expected) => {
    expect(parseLabelSelector(selector)(withLabels(labels))).toBe(expected);
  });

  test.each(['app=erp,', 'app in (erp', 'app in erp)', '=erp', 'app=e rp', 'app>1', '!', 'app=a=b', 'app in ((a))'])(
    'refuses %j with 400 instead of selecting everything',
    (selector) => {
      expect(() => parseLabelSelector(selector)).toThrow(ApiError);
      expect(() => parseLabelSelector(selector)).toThrow(/unable to parse requirement/);
    },
  );

  test('either refuses a text or gives an answer', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(typeof parseLabelSelector(text)(withLabels({ app: 'erp' }))).toBe('boolean');
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
        }
      }),
    );
  });
});

describe('parseFieldSelector', () => {
  const pod = { ...withLabels({}), status: { phase: 'Running' } };

  test.each([
    ['metadata.name=pod-1', true],
    ['metadata.name!=pod-1', false],
    ['status.phase=Running,metadata.namespace=erp', true],
    ['status.phase=Pending', false],
    ['spec.nodeName=', true],
  ])('%j is %j', (selector, expected) => {
    expect(parseFieldSelector(selector, 'pods')(pod)).toBe(expected);
  });

  test('refuses a field that the resource cannot be selected by', () => {
    expect(() => parseFieldSelector('spec.replicas=1', 'pods')).toThrow('field label not supported: spec.replicas');
    expect(() => parseFieldSelector('status.phase=Running', 'deployments')).toThrow('field label not supported');
    expect(() => parseFieldSelector('metadata.name', 'pods')).toThrow('invalid field selector');
  });
});
