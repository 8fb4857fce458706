import type { OdooValue } from '../ports.ts';
import type { RpcReply } from './xml-rpc.ts';

/** The body of one `/jsonrpc` call of a service (`common`, `object`). */
export function encodeJsonRpcCall(service: string, method: string, args: readonly OdooValue[]): string {
  return JSON.stringify({ jsonrpc: '2.0', method: 'call', id: 1, params: { service, method, args } });
}

/** Decodes a JSON-RPC answer. One without `result` is a method that returned None (odoo-behaviour.md section 2). */
export function decodeJsonRpcResponse(text: string): RpcReply {
  const answer: unknown = JSON.parse(text);
  if (!isObject(answer) || answer.jsonrpc !== '2.0') throw new TypeError('no JSON-RPC 2.0 answer');
  if (isObject(answer.error)) {
    const data = isObject(answer.error.data) ? answer.error.data : {};
    const message = typeof data.message === 'string' && data.message !== '' ? data.message : String(answer.error.message ?? '');
    const name = typeof data.name === 'string' ? data.name : '';
    return { kind: 'fault', code: Number(answer.error.code ?? 0), text: name === '' ? message : `${name}: ${message}` };
  }
  return { kind: 'value', value: (answer.result ?? null) as OdooValue };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
