/**
 * XML-RPC as Odoo's server speaks it. Requests are parsed by a library. Answers are written directly: building a document tree for
 * a list of 20 products costs more processor time than everything else in the request; the one escape function is property-tested.
 */
import { parseXml, XmlElement, type XmlNode, XmlText } from '@rgrove/parse-xml';
import { isDict, PyFloat, type Value } from '../orm/value.ts';
import { cannotMarshalNone, crash, faultString, type OdooError } from './faults.ts';

export interface MethodCall {
  readonly method: string;
  readonly params: readonly Value[];
}

export function parseCall(body: string): MethodCall {
  const root = parseDocument(body);
  if (root.name !== 'methodCall') throw crash('xmlrpc.client.ResponseError', 'ResponseError()');
  const name = childElement(root, 'methodName');
  const params = childElement(root, 'params');
  const values = params ? elements(params).map((param) => valueIn(param)) : [];
  return { method: name ? name.text.trim() : '', params: values };
}

function parseDocument(body: string): XmlElement {
  if (body.trim() === '') throw crash('xml.parsers.expat.ExpatError', 'no element found: line 1, column 0');
  try {
    const { root } = parseXml(body);
    if (root) return root;
  } catch (error) {
    const at = error as { readonly line?: number; readonly column?: number };
    throw crash(
      'xml.parsers.expat.ExpatError',
      `not well-formed (invalid token): line ${at.line ?? 1}, column ${Math.max(0, (at.column ?? 1) - 1)}`,
    );
  }
  throw crash('xml.parsers.expat.ExpatError', 'no element found: line 1, column 0');
}

const isElement = (node: XmlNode): node is XmlElement => node instanceof XmlElement;
const elements = (parent: XmlElement): readonly XmlElement[] => parent.children.filter(isElement);
const childElement = (parent: XmlElement, name: string): XmlElement | undefined =>
  elements(parent).find((child) => child.name === name);

function valueIn(parent: XmlElement): Value {
  const value = childElement(parent, 'value');
  return value ? decode(value) : null;
}

/** `<value>`: its one typed child, or bare text, which is a string. */
function decode(value: XmlElement): Value {
  const typed = value.children.find(isElement);
  if (!typed) return bareText(value);
  switch (typed.name) {
    case 'int':
    case 'i4':
    case 'i8':
    case 'i2':
    case 'i1':
      return integer(typed.text);
    case 'double':
    case 'float':
      return float(typed.text);
    case 'boolean':
      return typed.text.trim() === '1';
    case 'nil':
      return null;
    case 'array':
      return elements(childElement(typed, 'data') ?? typed).map(decode);
    case 'struct':
      return struct(typed);
    case 'base64':
      return typed.text.replaceAll(/\s+/g, '');
    default:
      return typed.text;
  }
}

function bareText(value: XmlElement): string {
  return value.children.map((child) => (child instanceof XmlText ? child.text : '')).join('');
}

function struct(node: XmlElement): Value {
  const entries = elements(node)
    .filter((member) => member.name === 'member')
    .map((member): [string, Value] => [childElement(member, 'name')?.text ?? '', valueIn(member)]);
  return Object.fromEntries(entries);
}

function integer(text: string): number {
  const value = Number(text.trim());
  if (!Number.isInteger(value)) throw crash('ValueError', `invalid literal for int() with base 10: '${text}'`);
  return value;
}

function float(text: string): number {
  const value = Number(text.trim());
  if (text.trim() === '' || Number.isNaN(value)) throw crash('ValueError', `could not convert string to float: '${text}'`);
  return value;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' };

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that XML 1.0 cannot hold
const FORBIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g;

/** Control characters cannot stand in XML 1.0: Odoo's marshaller drops them, and so do we. */
export function escapeXml(text: string): string {
  const clean = text.replaceAll(FORBIDDEN, '');
  return /[&<>\r]/.test(clean) ? clean.replaceAll(/[&<>\r]/g, (character) => ENTITIES[character] ?? character) : clean;
}

function encode(value: Value, out: string[]): void {
  if (value === null || value === undefined) throw cannotMarshalNone();
  if (typeof value === 'string') out.push('<value><string>', escapeXml(value), '</string></value>\n');
  else if (typeof value === 'boolean') out.push('<value><boolean>', value ? '1' : '0', '</boolean></value>\n');
  else if (value instanceof PyFloat) out.push('<value><double>', floatText(value.value), '</double></value>\n');
  else if (typeof value === 'number') encodeNumber(value, out);
  else if (Array.isArray(value)) {
    out.push('<value><array><data>\n');
    for (const item of value) encode(item, out);
    out.push('</data></array></value>\n');
  } else if (isDict(value)) {
    out.push('<value><struct>\n');
    for (const [name, item] of Object.entries(value)) {
      out.push('<member>\n<name>', escapeXml(name), '</name>\n');
      encode(item, out);
      out.push('</member>\n');
    }
    out.push('</struct></value>\n');
  }
}

const floatText = (value: number): string => (Number.isInteger(value) ? value.toFixed(1) : String(value));

function encodeNumber(value: number, out: string[]): void {
  if (!Number.isInteger(value)) out.push('<value><double>', String(value), '</double></value>\n');
  else if (value > 2_147_483_647 || value < -2_147_483_648) throw crash('OverflowError', 'int exceeds XML-RPC limits');
  else out.push('<value><int>', String(value), '</int></value>\n');
}

const HEAD = '<?xml version="1.0"?>\n<methodResponse>\n';

export function encodeResponse(value: Value | undefined): string {
  if (value === undefined) throw cannotMarshalNone();
  const out = [HEAD, '<params>\n<param>\n'];
  encode(value, out);
  out.push('</param>\n</params>\n</methodResponse>\n');
  return out.join('');
}

export function encodeFault(error: OdooError): string {
  const out = [HEAD, '<fault>\n'];
  encode({ faultCode: error.faultCode, faultString: faultString(error) }, out);
  out.push('</fault>\n</methodResponse>\n');
  return out.join('');
}
