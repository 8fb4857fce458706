import { describe, expect, test } from 'vitest';
import { decodeProtobuf } from '../../../../lab/processes/kubernetes/protobuf.ts';
import { ApiError } from '../../../../lab/processes/kubernetes/status.ts';

function field(number: number, value: Buffer | string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
}

function envelope(kind: string, raw: Buffer): Buffer {
  const type = Buffer.concat([field(1, 'authorization.k8s.io/v1'), field(2, kind)]);
  return Buffer.concat([Buffer.from('k8s\0'), field(1, type), field(2, raw)]);
}

describe('decodeProtobuf', () => {
  test('reads an access review as kubectl sends it', () => {
    const attributes = Buffer.concat([field(1, 'erp'), field(2, 'delete'), field(3, ''), field(5, 'pods')]);
    const body = envelope('SelfSubjectAccessReview', Buffer.concat([field(1, ''), field(2, field(1, attributes))]));
    expect(decodeProtobuf(body)).toEqual({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { namespace: 'erp', verb: 'delete', group: '', resource: 'pods' } },
    });
  });

  test('reads the grace period of an eviction', () => {
    const body = envelope('Eviction', field(2, Buffer.from([0x08, 0xac, 0x02])));
    expect(decodeProtobuf(body)).toMatchObject({ deleteOptions: { gracePeriodSeconds: 300 } });
  });

  test.each([
    ['no magic', Buffer.from('hello')],
    ['an unknown kind', envelope('Pod', Buffer.alloc(0))],
    ['a length beyond the end', Buffer.concat([Buffer.from('k8s\0'), Buffer.from([0x0a, 0x7f])])],
    ['an endless number', Buffer.concat([Buffer.from('k8s\0'), Buffer.alloc(20, 0xff)])],
  ])('refuses %s', (_title, body) => {
    expect(() => decodeProtobuf(body)).toThrow(ApiError);
  });
});
