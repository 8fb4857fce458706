import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseXml, type XmlElement } from '@rgrove/parse-xml';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  callBody,
  callPrefix,
  createLine,
  decodeInt,
  decodeInts,
  decodeResult,
  decodeRows,
  double,
  escapeText,
  int,
  ints,
  list,
  member,
  NO_KWARGS,
  numberOfRow,
  struct,
  term,
  text,
  texts,
  unescapeText,
} from '../../../scenarios/odoo/xmlrpc.ts';
import { answerXml } from '../../integration/load-stub-odoo.ts';

const captured = (name: string) => readFileSync(join(import.meta.dirname, '../../fixtures/odoo-wire', name), 'utf8');
const squeezed = (xml: string) => xml.replaceAll(/>\s+</g, '><').trim();
const pictured = (xml: string): unknown => JSON.stringify(parseXml(xml));

describe('calls', () => {
  test('say what was captured from a real client, but for whitespace', () => {
    const domain = list([list([term('default_code', 'like', text('LT-'))])]);
    const fields = texts(['id', 'name', 'default_code', 'list_price', 'uom_id']);
    const kwargs = struct([member('fields', fields), member('limit', int(20))]);
    const read = callBody(callPrefix('erp', 2, 'admin', 'product.product', 'search_read'), domain, kwargs);
    expect(read).toBe(squeezed(captured('request-read.xml')));
  });

  test('put order lines and empty keyword arguments as captured', () => {
    const line = (product: string) =>
      createLine(struct([member('product_id', `<value><int>${product}</int></value>`), member('product_uom_qty', double(1))]));
    const order = struct([
      member('partner_id', '<value><int>@@PARTNER@@</int></value>'),
      member('client_order_ref', text('@@REF@@')),
      member('order_line', list([line('@@P1@@'), line('@@P2@@')])),
    ]);
    const create = callBody(callPrefix('erp', 2, 'admin', 'sale.order', 'create'), list([order]), NO_KWARGS);
    expect(create).toBe(squeezed(captured('request-create.xml')).replaceAll('1.0<', '1<'));
  });

  test('keep a password with markup in it a password', () => {
    const body = callBody(callPrefix('d', 2, 'a<b>&"c', 'm', 'n'), list([]), NO_KWARGS);
    expect(body).toContain('<string>a&lt;b&gt;&amp;"c</string>');
    expect(() => pictured(body)).not.toThrow();
  });

  test('are XML for any text, and say it back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (anything) => {
        const printable = anything.toWellFormed().replaceAll(/[^\t\n\r -\ufffd]/g, '?');
        const { root } = parseXml(`<a>${escapeText(anything.toWellFormed())}</a>`);
        expect((root as XmlElement).text).toBe(printable);
        expect(unescapeText(escapeText(printable))).toBe(printable);
      }),
    );
  });
});

describe('answers', () => {
  const products = captured('response-read-20-products.xml');

  test('a captured page decodes to what its JSON-RPC twin says', () => {
    const twin = JSON.parse(captured('response-read-20-products.jsonrpc.json')) as { result: unknown };
    expect(decodeResult(products)).toEqual(twin.result);
    expect(decodeRows(products)).toHaveLength(20);
  });

  test('one field of one row is found without the others', () => {
    expect(numberOfRow(products, 12, 'list_price')).toBe(19);
    expect(numberOfRow(products, 1, 'list_price')).toBeUndefined();
    expect(numberOfRow(products, 12, 'qty_available')).toBeUndefined();
  });

  test('ids and lists of ids', () => {
    expect(decodeInt(answerXml(4))).toBe(4);
    expect(decodeInts(answerXml([7, 8, 9]))).toEqual([7, 8, 9]);
    expect(decodeInts(answerXml([]))).toEqual([]);
    expect(decodeInt(answerXml(true))).toBeUndefined();
    expect(decodeInt('')).toBeUndefined();
  });

  test('any value survives, whatever stands between the tags', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.boolean(),
        fc.integer(),
        fc.string(),
        fc.array(tie('any')),
        fc.dictionary(fc.string(), tie('any')),
      ),
    })).any as fc.Arbitrary<Parameters<typeof answerXml>[0]>;
    fc.assert(
      fc.property(value, (any) => {
        const xml = answerXml(any);
        expect(decodeResult(xml)).toEqual(JSON.parse(JSON.stringify(any)));
      }),
    );
  });

  test('a member named after the prototype is a member like any other', () => {
    const twin = JSON.parse('{"__proto__": "x", "a": 1}') as Parameters<typeof answerXml>[0];
    expect(decodeResult(answerXml(twin))).toEqual(twin);
    expect(Object.keys(decodeResult(answerXml(twin)) as object)).toEqual(['__proto__', 'a']);
  });

  test('rubbish and cut answers give nothing, and end', () => {
    fc.assert(
      fc.property(fc.nat(products.lastIndexOf('</methodResponse>')), (end) => {
        expect(decodeResult(products.slice(0, end))).toBeUndefined();
        decodeResult(`${products.slice(0, end)}</methodResponse>`);
      }),
    );
    expect(decodeRows('<html>200 but no Odoo</html>')).toEqual([]);
    expect(ints([])).toBe('<value><array><data></data></array></value>');
  });
});
