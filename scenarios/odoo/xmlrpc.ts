/**
 * XML-RPC for k6's JavaScript engine: messages are concatenated strings, answers are searched by position. A tokenizer on a
 * regular expression costs 40 times as much there (docs/reference/odoo-behaviour.md section 5), so there is none.
 */

/** Everything that XML text cannot hold as it is: `&`, `<`, `>`, carriage returns, and what XML 1.0 forbids. */
const UNSAFE = /[^\t\n -%'-;=?-\ufffd]/;

/** Characters that XML 1.0 has no way to say become `?`. */
export function escapeText(text: string): string {
  if (!UNSAFE.test(text)) return text;
  let out = '';
  for (const character of text) {
    const code = character.charCodeAt(0);
    if (character === '&') out += '&amp;';
    else if (character === '<') out += '&lt;';
    else if (character === '>') out += '&gt;';
    else if (character === '\r') out += '&#13;';
    else if ((code < 32 && character !== '\n' && character !== '\t') || code >= 0xfffe) out += '?';
    else out += character;
  }
  return out;
}

// One function a type; each gives a whole `<value>`. Callers hoist what does not change.
export const int = (n: number): string => `<value><int>${n}</int></value>`;
export const double = (n: number): string => `<value><double>${n}</double></value>`;
export const bool = (b: boolean): string => (b ? '<value><boolean>1</boolean></value>' : '<value><boolean>0</boolean></value>');
export const text = (s: string): string => `<value><string>${escapeText(s)}</string></value>`;
export const list = (items: readonly string[]): string => `<value><array><data>${''.concat(...items)}</data></array></value>`;
/** `join` is native and four times as fast as a function call each. */
export const ints = (numbers: readonly number[]): string =>
  numbers.length === 0
    ? EMPTY_LIST
    : `<value><array><data><value><int>${numbers.join('</int></value><value><int>')}</int></value></data></array></value>`;
export const texts = (strings: readonly string[]): string => list(strings.map(text));
/** Names are ours and need no escaping. */
export const member = (name: string, value: string): string => `<member><name>${name}</name>${value}</member>`;
export const struct = (members: readonly string[]): string => `<value><struct>${''.concat(...members)}</struct></value>`;
/** `[field, operator, value]` of a domain. */
export const term = (field: string, operator: string, value: string): string => list([text(field), text(operator), value]);
/** x2many command `[0, 0, {...}]`. */
export const createLine = (record: string): string => `<value><array><data>${ZERO}${ZERO}${record}</data></array></value>`;
/** x2many command `[6, 0, [ids]]`. */
export const replaceWith = (ids: readonly number[]): string => list([int(6), ZERO, ints(ids)]);

const ZERO = '<value><int>0</int></value>';
const EMPTY_LIST = '<value><array><data></data></array></value>';
/** Parts of a list that holds one list. */
export const listOfList = (items: readonly string[]): readonly string[] => [OPEN_LISTS, ...items, CLOSE_LISTS];

/** Around the parts of a list that is the only argument. */
export const OPEN_LISTS = '<value><array><data><value><array><data>';
export const CLOSE_LISTS = '</data></array></value></data></array></value>';

export const NO_KWARGS = struct([]);

const param = (value: string): string => `<param>${value}</param>`;

/** All of an `execute_kw` call that does not change from one to the next. */
export function callPrefix(database: string, uid: number, password: string, model: string, method: string): string {
  return `<?xml version='1.0'?><methodCall><methodName>execute_kw</methodName><params>${param(text(database))}${param(int(uid))}${param(
    text(password),
  )}${param(text(model))}${param(text(method))}<param>`;
}

/** `args` is the value of the list of positional arguments; given in parts, a long message is put together once, not once a level. */
export const callBody = (prefix: string, args: string | readonly string[], kwargs: string): string =>
  typeof args === 'string'
    ? `${prefix}${args}</param><param>${kwargs}${CALL_END}`
    : prefix.concat(...args, '</param><param>', kwargs, CALL_END);

const CALL_END = '</param></params></methodCall>';

export const authenticateBody = (database: string, login: string, password: string): string =>
  `<?xml version='1.0'?><methodCall><methodName>authenticate</methodName><params>${param(text(database))}${param(text(login))}${param(
    text(password),
  )}${param(NO_KWARGS)}</params></methodCall>`;

export type XmlRpcValue = null | boolean | number | string | readonly XmlRpcValue[] | { readonly [name: string]: XmlRpcValue };

/** Where the answer's only value starts, or -1: not an XML-RPC answer, or cut short. */
export function resultAt(body: string): number {
  if (body.lastIndexOf('</methodResponse>') < 0) return -1;
  const at = body.indexOf('<params>');
  return at < 0 ? -1 : body.indexOf('<value>', at);
}

/** Decodes the whole answer; `undefined` when it is not one. For small answers: about 10 microseconds a value in k6. */
export function decodeResult(body: string): XmlRpcValue | undefined {
  const at = resultAt(body);
  if (at < 0) return undefined;
  const reader = { body, at };
  return readValue(reader);
}

/** The integer a `create` or a counting answer is; `undefined` when it is something else. */
export function decodeInt(body: string): number | undefined {
  const at = resultAt(body);
  const open = body.indexOf('<int>', at);
  if (at < 0 || open < 0) return undefined;
  const n = Number(body.slice(open + 5, body.indexOf('<', open + 5)));
  return Number.isInteger(n) ? n : undefined;
}

/** Every integer of a flat list of ids. */
export function decodeInts(body: string): number[] {
  const found: number[] = [];
  for (let at = body.indexOf('<int>', resultAt(body)); at >= 0; ) {
    const end = body.indexOf('<', at + 5);
    found.push(Number(body.slice(at + 5, end)));
    at = body.indexOf('<int>', end);
  }
  return found;
}

/** A number field of the row with that id, without reading the other rows. Odoo puts a row's id before its fields. */
export function numberOfRow(body: string, id: number, field: string): number | undefined {
  const wanted = `<int>${id}</int>`;
  let at = body.indexOf(wanted);
  while (at >= 0 && !body.slice(Math.max(0, at - 40), at).includes('<name>id</name>')) at = body.indexOf(wanted, at + 1);
  if (at < 0) return undefined;
  const name = body.indexOf(`<name>${field}</name>`, at);
  if (name < 0 || body.indexOf('</struct>', at) < name) return undefined;
  const value = body.indexOf('<value>', name) + 7;
  const open = body.indexOf('>', value) + 1;
  const n = Number(body.slice(open, body.indexOf('<', open)));
  return Number.isFinite(n) ? n : undefined;
}

/** Records of a `search_read` or `read`: structs only, anything else is left out. */
export function decodeRows(body: string): Readonly<Record<string, XmlRpcValue>>[] {
  const value = decodeResult(body);
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

export function isRecord(value: XmlRpcValue | undefined): value is Readonly<Record<string, XmlRpcValue>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface Reader {
  readonly body: string;
  at: number;
}

/** `reader.at` is at or before a `<value>`; afterwards behind its `</value>`. Anything unexpected ends the decoding as null. */
function readValue(reader: Reader): XmlRpcValue {
  const { body } = reader;
  const open = body.indexOf('<value>', reader.at) + 7;
  const tag = body.indexOf('<', open);
  const tagEnd = body.indexOf('>', tag);
  if (open < 7 || tagEnd < 0) return abandon(reader);
  const name = body.slice(tag + 1, tagEnd);
  if (name === '/value') {
    reader.at = tagEnd + 1;
    return unescapeText(body.slice(open, tag));
  }
  if (name === 'struct') return readStruct(reader, tagEnd + 1);
  if (name === 'array') return readArray(reader, tagEnd + 1);
  const end = body.indexOf('<', tagEnd);
  const after = body.indexOf('</value>', tagEnd);
  if (after < 0) return abandon(reader);
  reader.at = after + 8;
  if (name.endsWith('/')) return name.startsWith('nil') ? null : '';
  const content = body.slice(tagEnd + 1, end);
  if (name === 'int' || name === 'i4' || name === 'i8' || name === 'double') return Number(content);
  if (name === 'boolean') return content === '1';
  return name === 'nil' ? null : unescapeText(content);
}

function readArray(reader: Reader, from: number): XmlRpcValue {
  const { body } = reader;
  const items: XmlRpcValue[] = [];
  reader.at = from;
  for (;;) {
    const next = body.indexOf('<value>', reader.at);
    const end = body.indexOf('</array>', reader.at);
    if (end < 0) return abandon(reader);
    if (next < 0 || end < next) {
      return leave(reader, end) ? items : abandon(reader);
    }
    items.push(readValue(reader));
  }
}

const OWN = { configurable: true, enumerable: true, writable: true } as const;

function readStruct(reader: Reader, from: number): XmlRpcValue {
  const { body } = reader;
  const record: Record<string, XmlRpcValue> = {};
  reader.at = from;
  for (;;) {
    const next = body.indexOf('<name>', reader.at);
    const end = body.indexOf('</struct>', reader.at);
    if (end < 0) return abandon(reader);
    if (next < 0 || end < next) {
      return leave(reader, end) ? record : abandon(reader);
    }
    const nameEnd = body.indexOf('</name>', next);
    reader.at = nameEnd;
    const name = unescapeText(body.slice(next + 6, nameEnd));
    // Assigned, a member of this name would set the object's prototype and be lost.
    if (name === '__proto__') Object.defineProperty(record, name, { ...OWN, value: readValue(reader) });
    else record[name] = readValue(reader);
  }
}

/** Moves behind the `</value>` that follows `from`. */
function leave(reader: Reader, from: number): boolean {
  const end = reader.body.indexOf('</value>', from);
  reader.at = end + 8;
  return end >= 0;
}

function abandon(reader: Reader): null {
  reader.at = reader.body.length;
  return null;
}

export function unescapeText(escaped: string): string {
  if (escaped.indexOf('&') < 0) return escaped;
  return escaped.replace(/&(lt|gt|quot|apos|amp|#\d+|#x[0-9a-fA-F]+);/g, (_, name: string) => {
    if (name.startsWith('#x')) return String.fromCodePoint(Number.parseInt(name.slice(2), 16));
    if (name.startsWith('#')) return String.fromCodePoint(Number(name.slice(1)));
    return { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }[name] ?? '';
  });
}
