import { parseXml } from '@rgrove/parse-xml';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PyFloat, type Value } from '../../../../lab/erp/orm/value.ts';
import { OdooError, toOdooError, userError } from '../../../../lab/erp/rpc/faults.ts';
import { encodeFault, encodeResponse, escapeXml, parseCall } from '../../../../lab/erp/rpc/xmlrpc.ts';

/** What is written as an answer, read again as if it were the parameters of a call. */
function readBack(encoded: string): Value {
  const value = /<param>\n([\s\S]*)<\/param>/.exec(encoded)?.[1] ?? '';
  return (
    parseCall(`<methodCall><methodName>m</methodName><params><param>${value}</param></params></methodCall>`).params[0] ?? null
  );
}

/** What XML 1.0 can hold. A carriage return is left to its own test: parsers make a line feed of a bare one. */
const isXmlCharacter = (character: string): boolean => {
  const code = character.codePointAt(0) ?? 0;
  return code === 9 || code === 10 || (code >= 32 && code !== 0xfffe && code !== 0xffff && (code < 0xd800 || code > 0xdfff));
};
const text = fc.string({ unit: 'grapheme' }).map((value) => [...value].filter(isXmlCharacter).join(''));
const values = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Number.isInteger(number)),
    text,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      text.filter((name) => name !== '__proto__'),
      tie('value'),
      { maxKeys: 4 },
    ),
  ),
})).value;

describe('XML-RPC', () => {
  test('gives back every value that it wrote', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(readBack(encodeResponse(value))).toEqual(value);
      }),
      { numRuns: 300 },
    );
  });

  test('writes well-formed XML whatever characters a text holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const lonely = value.replaceAll(/[\ud800-\udfff]/gu, '');
        expect(() => parseXml(`<v>${escapeXml(lonely)}</v>`)).not.toThrow();
      }),
      { numRuns: 40 },
    );
  });

  test('keeps a carriage return', () => {
    expect(readBack(encodeResponse('a\r\nb'))).toBe('a\r\nb');
  });

  test('writes a whole float as a double and an id as an int', () => {
    const out = encodeResponse({ id: 3, list_price: new PyFloat(10) });
    expect(out).toContain('<name>id</name>\n<value><int>3</int></value>');
    expect(out).toContain('<name>list_price</name>\n<value><double>10.0</double></value>');
  });

  test('cannot write None, alone or inside', () => {
    for (const value of [undefined, null, [null], { note: null }])
      expect(() => encodeResponse(value)).toThrow('cannot marshal None unless allow_none is enabled');
  });

  test('accepts nil, untyped values and i4 in requests', () => {
    const call = parseCall(
      '<methodCall><methodName>m</methodName><params><param><value><nil/></value></param><param><value>plain</value></param><param><value><i4>7</i4></value></param></params></methodCall>',
    );
    expect(call).toEqual({ method: 'm', params: [null, 'plain', 7] });
  });

  test('answers malformed and empty XML with ExpatError', () => {
    for (const body of ['', '   ', '<methodCall>', 'no xml', '<a></b>']) {
      const error = catchFault(() => parseCall(body));
      expect(error.faultCode).toBe(1);
      expect(error.pythonName).toBe('xml.parsers.expat.ExpatError');
    }
  });

  test('a fault holds the code and, for a crash, a traceback that ends with the cause', () => {
    expect(encodeFault(userError('Not <so> fast'))).toContain('<value><string>Not &lt;so&gt; fast</string></value>');
    const crash = encodeFault(toOdooError(new Error('boom')));
    expect(crash).toContain('<name>faultCode</name>\n<value><int>1</int></value>');
    expect(crash).toMatch(/Traceback[\s\S]*RuntimeError: Error: boom\n<\/string>/);
  });
});

function catchFault(work: () => unknown): OdooError {
  try {
    work();
  } catch (error) {
    if (error instanceof OdooError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
