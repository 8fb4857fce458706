import { isDict, type Value } from '../orm/value.ts';
import { crash, type OdooError, traceback } from './faults.ts';

export interface JsonCall {
  readonly id: Value;
  readonly service: string;
  readonly method: string;
  readonly args: readonly Value[];
}

export function parseJsonCall(body: string): JsonCall {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    // The parser's own words name places in a text the caller knows; Odoo's answer is a plain sentence.
    throw crash('ValueError', `Invalid JSON data: ${JSON.stringify(body.slice(0, 80))}`);
  }
  if (!isDict(parsed)) throw crash('ValueError', 'Invalid JSON-RPC request: not an object');
  const params = isDict(parsed.params) ? parsed.params : {};
  return {
    id: parsed.id ?? null,
    service: String(params.service ?? ''),
    method: String(params.method ?? ''),
    args: Array.isArray(params.args) ? params.args : [],
  };
}

/** Python's None gives an answer without `result` (docs/reference/odoo-behaviour.md section 2). */
export function jsonResponse(id: Value, result: Value | undefined): string {
  return JSON.stringify(result === undefined || result === null ? { jsonrpc: '2.0', id } : { jsonrpc: '2.0', id, result });
}

export function jsonFault(id: Value, error: OdooError): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    id,
    error: {
      code: 200,
      message: 'Odoo Server Error',
      data: { name: error.pythonName, debug: traceback(error), message: error.message, arguments: [error.message], context: {} },
    },
  });
}
