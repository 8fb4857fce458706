import { parseXml, XmlElement, type XmlNode, XmlText } from '@rgrove/parse-xml';
import type { OdooValue } from '../ports.ts';

/** What a decoded XML-RPC message says: the value of the method, or the server's fault. */
export type RpcReply =
  | { readonly kind: 'value'; readonly value: OdooValue }
  | { readonly kind: 'fault'; readonly code: number; readonly text: string };

/** The XML of one `methodCall`. Throws TypeError for what XML 1.0 or XML-RPC cannot carry (NaN, control characters). */
export function encodeMethodCall(method: string, params: readonly OdooValue[]): string {
  const encoded = params.map((param) => `<param>${encodeValue(param)}</param>`).join('');
  return `<?xml version='1.0'?><methodCall><methodName>${escapeText(method)}</methodName><params>${encoded}</params></methodCall>`;
}

function encodeValue(value: OdooValue): string {
  // Odoo takes <nil/> in requests although its own answers cannot carry it (docs/reference/odoo-behaviour.md section 2).
  if (value === null) return '<value><nil/></value>';
  if (typeof value === 'boolean') return `<value><boolean>${value ? 1 : 0}</boolean></value>`;
  if (typeof value === 'string') return `<value><string>${escapeText(value)}</string></value>`;
  if (typeof value === 'number') return encodeNumber(value);
  if (isList(value)) return `<value><array><data>${value.map(encodeValue).join('')}</data></array></value>`;
  const members = Object.entries(value).map(
    ([name, member]) => `<member><name>${escapeText(name)}</name>${encodeValue(member)}</member>`,
  );
  return `<value><struct>${members.join('')}</struct></value>`;
}

function encodeNumber(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`${value} cannot be sent over XML-RPC`);
  return Number.isSafeInteger(value) ? `<value><int>${value}</int></value>` : `<value><double>${value}</double></value>`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly the characters that XML 1.0 forbids
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/u;
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#13;' };

/** All text of a message goes through here. */
function escapeText(text: string): string {
  if (FORBIDDEN.test(text) || !text.isWellFormed()) {
    throw new TypeError(`text with a character that XML forbids cannot be sent: ${JSON.stringify(text.slice(0, 80))}`);
  }
  return text.replace(/[&<>"\r]/g, (character) => ESCAPES[character] ?? character);
}

function isList(value: OdooValue): value is readonly OdooValue[] {
  return Array.isArray(value);
}

/** Decodes a `methodResponse`. Throws when the text is none. */
export function decodeMethodResponse(xml: string): RpcReply {
  const { root } = parseXml(xml);
  if (root === null || root.name !== 'methodResponse') throw new TypeError(`no methodResponse but <${root?.name ?? ''}>`);
  // The fault first: a fault's code is an <int> like any id (docs/reference/odoo-behaviour.md section 2, parser trap).
  const fault = childNamed(root, 'fault');
  if (fault !== null) return decodeFault(decodeValue(requireChild(fault, 'value')));
  return { kind: 'value', value: decodeValue(requireChild(requireChild(requireChild(root, 'params'), 'param'), 'value')) };
}

function decodeFault(value: OdooValue): RpcReply {
  if (typeof value !== 'object' || value === null || isList(value)) throw new TypeError('a fault that is no struct');
  const { faultCode, faultString } = value;
  return { kind: 'fault', code: typeof faultCode === 'number' ? faultCode : 0, text: String(faultString ?? '') };
}

function decodeValue(element: XmlElement): OdooValue {
  const typed = firstElement(element.children);
  if (typed === null) return textOf(element);
  switch (typed.name) {
    case 'int':
    case 'i4':
    case 'i8':
    case 'double':
      return decodeNumber(textOf(typed));
    case 'boolean':
      return textOf(typed).trim() === '1';
    case 'nil':
      return null;
    case 'array':
      return elements(requireChild(typed, 'data').children).map(decodeValue);
    case 'struct':
      return Object.fromEntries(elements(typed.children).map(decodeMember));
    case 'string':
    case 'base64':
    case 'dateTime.iso8601':
      return textOf(typed);
    default:
      throw new TypeError(`unknown XML-RPC type <${typed.name}>`);
  }
}

function decodeMember(member: XmlElement): readonly [string, OdooValue] {
  return [textOf(requireChild(member, 'name')), decodeValue(requireChild(member, 'value'))];
}

function decodeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) throw new TypeError(`${JSON.stringify(text)} is no number`);
  return value;
}

function elements(nodes: readonly XmlNode[]): readonly XmlElement[] {
  return nodes.filter((node) => node instanceof XmlElement);
}

function firstElement(nodes: readonly XmlNode[]): XmlElement | null {
  return nodes.find((node) => node instanceof XmlElement) ?? null;
}

function childNamed(parent: XmlElement, name: string): XmlElement | null {
  return elements(parent.children).find((child) => child.name === name) ?? null;
}

function requireChild(parent: XmlElement, name: string): XmlElement {
  const child = childNamed(parent, name);
  if (child === null) throw new TypeError(`<${parent.name}> without <${name}>`);
  return child;
}

function textOf(element: XmlElement): string {
  let text = '';
  for (const node of element.children) if (node instanceof XmlText) text += node.text;
  return text;
}
