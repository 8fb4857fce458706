import { parseXml } from '@rgrove/parse-xml';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMethodResponse, encodeMethodCall } from '../../../../src/clients/odoo/xml-rpc.ts';
import type { OdooValue } from '../../../../src/clients/ports.ts';

/** Turns a call into the answer that would carry its first parameter back. */
function echo(value: OdooValue): OdooValue {
  const params = /<params>.*<\/params>/s.exec(encodeMethodCall('m', [value]))?.[0] ?? '';
  const reply = decodeMethodResponse(`<?xml version="1.0"?>\n<methodResponse>\n${params}\n</methodResponse>\n`);
  if (reply.kind !== 'value') throw new Error('expected a value');
  return reply.value;
}

const xmlText = fc
  .string({ unit: 'grapheme' })
  .filter((text) => !/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(text));
const values: fc.Arbitrary<OdooValue> = fc.letrec<{ value: OdooValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (n === 0 ? 0 : n)),
    xmlText,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(xmlText, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

describe('encodeMethodCall', () => {
  it('carries every value there and back unchanged', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(echo(value)).toEqual(value);
      }),
      { numRuns: 300 },
    );
  });

  it('is well-formed whatever stands in names and texts', () => {
    const xml = encodeMethodCall('</methodName>&', [{ '"<&>\'': ']]> & </string> <!--' }]);
    expect(() => parseXml(xml)).not.toThrow();
    expect(echo({ a: ']]>\r\n\t& <b>' })).toEqual({ a: ']]>\r\n\t& <b>' });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 'a\u0000b', '\ud800'])('refuses what XML cannot carry: %j', (value) => {
    expect(() => encodeMethodCall('m', [value])).toThrow(TypeError);
  });
});

describe('decodeMethodResponse', () => {
  it('reads a fault before anything else', () => {
    const xml =
      '<?xml version="1.0"?><methodResponse><fault><value><struct><member><name>faultCode</name><value><int>2</int></value></member>' +
      '<member><name>faultString</name><value><string>Some orders are not in a state requiring confirmation.</string></value></member>' +
      '</struct></value></fault></methodResponse>';
    expect(decodeMethodResponse(xml)).toEqual({
      kind: 'fault',
      code: 2,
      text: 'Some orders are not in a state requiring confirmation.',
    });
  });

  it('reads a value without a type as a string', () => {
    const xml = '<methodResponse><params><param><value>plain &amp; text</value></param></params></methodResponse>';
    expect(decodeMethodResponse(xml)).toEqual({ kind: 'value', value: 'plain & text' });
  });

  it.each([
    '',
    '<html><body>Bad gateway</body></html>',
    '<methodResponse></methodResponse>',
    '<methodResponse><params><param><value><int></int></value></param></params></methodResponse>',
    '<methodResponse><params>',
  ])('throws for what is no answer: %j', (xml) => {
    expect(() => decodeMethodResponse(xml)).toThrow();
  });
});
