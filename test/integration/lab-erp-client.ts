/** A small XML-RPC client of the tests, written apart from the lab's codec and from the harness's own. */
import { parseXml, XmlElement } from '@rgrove/parse-xml';
import { create } from 'xmlbuilder2';

export type Sent = null | boolean | number | string | readonly Sent[] | { readonly [key: string]: Sent };
// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely by the tests
export type Got = any;

export class Fault extends Error {
  readonly code: number;
  constructor(code: number, text: string) {
    super(text);
    this.code = code;
  }
  get lastLine(): string {
    return this.message.trimEnd().split('\n').at(-1) ?? '';
  }
}

function valueTree(value: Sent): object | string {
  if (value === null) return { nil: {} };
  if (typeof value === 'boolean') return { boolean: value ? '1' : '0' };
  if (typeof value === 'number') return Number.isInteger(value) ? { int: String(value) } : { double: String(value) };
  if (typeof value === 'string') return { string: value };
  if (Array.isArray(value)) return { array: { data: { value: value.map((item) => valueTree(item as Sent)) } } };
  return { struct: { member: Object.entries(value).map(([name, item]) => ({ name, value: valueTree(item) })) } };
}

export function callBody(method: string, params: readonly Sent[]): string {
  return create({
    methodCall: { methodName: method, params: { param: params.map((param) => ({ value: valueTree(param) })) } },
  }).end();
}

const kids = (node: XmlElement): XmlElement[] => node.children.filter((child) => child instanceof XmlElement);
const kid = (node: XmlElement, name: string): XmlElement => {
  const found = kids(node).find((child) => child.name === name);
  if (!found) throw new Error(`no <${name}> in <${node.name}>`);
  return found;
};

function decode(value: XmlElement): Got {
  const [typed] = kids(value);
  if (!typed) return value.text;
  if (typed.name === 'array') return kids(kid(typed, 'data')).map(decode);
  if (typed.name === 'struct')
    return Object.fromEntries(kids(typed).map((member) => [kid(member, 'name').text, decode(kid(member, 'value'))]));
  if (typed.name === 'boolean') return typed.text === '1';
  return typed.name === 'string' ? typed.text : Number(typed.text);
}

export function decodeResponse(text: string): Got {
  const root = parseXml(text).root;
  if (!root) throw new Error('empty answer');
  const [first] = kids(root);
  if (first?.name === 'fault') {
    const fault = decode(kid(first, 'value'));
    throw new Fault(fault.faultCode, fault.faultString);
  }
  return decode(kid(kid(kid(root, 'params'), 'param'), 'value'));
}

export class Client {
  readonly url: string;
  readonly uid: number;
  readonly password: string;
  constructor(url: string, uid = 2, password = 'admin') {
    this.url = url;
    this.uid = uid;
    this.password = password;
  }

  async raw(service: string, body: string): Promise<string> {
    const response = await fetch(`${this.url}/xmlrpc/2/${service}`, {
      method: 'POST',
      headers: { 'Content-Type': 'text/xml' },
      body,
    });
    if (response.status !== 200) throw new Error(`HTTP ${response.status}`);
    return await response.text();
  }

  async call(model: string, method: string, args: readonly Sent[], kw: { readonly [key: string]: Sent } = {}): Promise<Got> {
    return decodeResponse(
      await this.raw('object', callBody('execute_kw', ['erp', this.uid, this.password, model, method, args, kw])),
    );
  }

  async common(method: string, params: readonly Sent[]): Promise<Got> {
    return decodeResponse(await this.raw('common', callBody(method, params)));
  }

  async json(service: string, method: string, args: readonly Sent[]): Promise<Got> {
    const response = await fetch(`${this.url}/jsonrpc`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', method: 'call', id: 1, params: { service, method, args } }),
    });
    return await response.json();
  }

  /** The fault of a call that must fail. */
  async fault(model: string, method: string, args: readonly Sent[], kw: { readonly [key: string]: Sent } = {}): Promise<Fault> {
    try {
      const value = await this.call(model, method, args, kw);
      throw new Error(`${model}.${method} answered ${JSON.stringify(value)} instead of a fault`);
    } catch (error) {
      if (error instanceof Fault) return error;
      throw error;
    }
  }
}
