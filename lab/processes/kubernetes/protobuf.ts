/**
 * Just enough protobuf to read what kubectl insists on sending that way: access reviews (`kubectl auth can-i`) and
 * evictions (`kubectl drain`). Field numbers are those of the published `generated.proto` files.
 */
import { isObject } from './json.ts';
import { ApiError } from './status.ts';

const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

type Shape = { readonly [field: number]: readonly [name: string, shape: 'text' | 'number' | 'texts' | Shape] };

const attributes: Shape = {
  1: ['namespace', 'text'],
  2: ['verb', 'text'],
  3: ['group', 'text'],
  4: ['version', 'text'],
  5: ['resource', 'text'],
  6: ['subresource', 'text'],
  7: ['name', 'text'],
};

const messages: Readonly<Record<string, Shape>> = {
  SelfSubjectAccessReview: {
    2: [
      'spec',
      { 1: ['resourceAttributes', attributes], 2: ['nonResourceAttributes', { 1: ['path', 'text'], 2: ['verb', 'text'] }] },
    ],
  },
  SelfSubjectRulesReview: { 2: ['spec', { 1: ['namespace', 'text'] }] },
  Eviction: {
    2: [
      'deleteOptions',
      {
        1: ['gracePeriodSeconds', 'number'],
        2: ['preconditions', { 1: ['uid', 'text'], 2: ['resourceVersion', 'text'] }],
        5: ['dryRun', 'texts'],
      },
    ],
  },
};

/** Unwraps the `Unknown` envelope and reads the message inside. */
export function decodeProtobuf(bytes: Buffer): unknown {
  if (!bytes.subarray(0, 4).equals(magic)) throw ApiError.badRequest('the body does not start as a Kubernetes protobuf message');
  const envelope = decode(bytes.subarray(4), { 1: ['type', { 1: ['apiVersion', 'text'], 2: ['kind', 'text'] }] });
  const type = isObject(envelope.type) ? envelope.type : {};
  const shape = typeof type.kind === 'string' ? messages[type.kind] : undefined;
  const raw = fieldsOf(bytes.subarray(4)).find(([field]) => field === 2)?.[1];
  if (shape === undefined || !Buffer.isBuffer(raw)) {
    throw ApiError.unsupportedMediaType(`application/vnd.kubernetes.protobuf of ${String(type.kind)}`, ['application/json']);
  }
  return { ...type, ...decode(raw, shape) };
}

function decode(bytes: Buffer, shape: Shape): Readonly<Record<string, unknown>> {
  const result: Record<string, unknown> = {};
  for (const [field, value] of fieldsOf(bytes)) {
    const [name, kind] = shape[field] ?? [];
    if (name === undefined || kind === undefined) continue;
    if (kind === 'number') result[name] = Number(value);
    else if (!Buffer.isBuffer(value)) throw malformed();
    else if (kind === 'text') result[name] = value.toString('utf8');
    else if (kind === 'texts')
      result[name] = [...((result[name] as readonly string[] | undefined) ?? []), value.toString('utf8')];
    else result[name] = decode(value, kind);
  }
  return result;
}

function fieldsOf(bytes: Buffer): readonly (readonly [field: number, value: bigint | Buffer])[] {
  const fields: (readonly [number, bigint | Buffer])[] = [];
  let offset = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[offset];
      if (byte === undefined) throw malformed();
      offset += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw malformed();
  };
  while (offset < bytes.length) {
    const key = Number(varint());
    const [field, wire] = [key >>> 3, key & 7];
    if (wire === 0) fields.push([field, varint()]);
    else if (wire === 2) {
      const end = Number(varint()) + offset;
      if (end > bytes.length) throw malformed();
      fields.push([field, bytes.subarray(offset, end)]);
      offset = end;
    } else throw malformed();
  }
  return fields;
}

function malformed(): ApiError {
  return ApiError.badRequest('the body is not a protobuf message that the lab reads');
}
