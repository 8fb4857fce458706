/**
 * Errors as Odoo 18 raises them. `faultCode` follows odoo-behaviour.md section 4: 1 crash (traceback), 2 warning or missing,
 * 3 access denied, 4 access error.
 */
import type { Value } from '../orm/value.ts';

export class OdooError extends Error {
  readonly faultCode: 1 | 2 | 3 | 4;
  /** Python class with its module, as in `error.data.name` of JSON-RPC. */
  readonly pythonName: string;
  constructor(pythonName: string, faultCode: 1 | 2 | 3 | 4, message: string) {
    super(message);
    this.pythonName = pythonName;
    this.faultCode = faultCode;
  }
}

export const userError = (message: string): OdooError => new OdooError('odoo.exceptions.UserError', 2, message);
export const validationError = (message: string): OdooError => new OdooError('odoo.exceptions.ValidationError', 2, message);
export const accessError = (message: string): OdooError => new OdooError('odoo.exceptions.AccessError', 4, message);
export const accessDenied = (): OdooError => new OdooError('odoo.exceptions.AccessDenied', 3, 'Access Denied');

export function missingError(model: string, ids: readonly number[], uid: number): OdooError {
  const tuple = ids.length === 1 ? `${ids[0]},` : ids.join(', ');
  return new OdooError(
    'odoo.exceptions.MissingError',
    2,
    `Record does not exist or has been deleted.\n(Record: ${model}(${tuple}), User: ${uid})`,
  );
}

export function missingRequired(modelLabel: string, model: string, fieldLabel: string, field: string): OdooError {
  return validationError(
    'The operation cannot be completed:\n- Create/update: a mandatory field is not set.\n' +
      '- Delete: another model requires the record being deleted. If possible, archive it instead.\n\n' +
      `Model: ${modelLabel} (${model})\nField: ${fieldLabel} (${field})\n`,
  );
}

/** A Python exception that Odoo does not expect: answered with a traceback whose last line is `name: message`. */
export function crash(name: string, message: string): OdooError {
  return new OdooError(name.includes('.') ? name : `builtins.${name}`, 1, message);
}

export const valueError = (message: string): OdooError => crash('ValueError', message);
export const typeError = (message: string): OdooError => crash('TypeError', message);
export const keyError = (key: Value): OdooError => crash('KeyError', typeof key === 'string' ? `'${key}'` : String(key));

export const cannotMarshalNone = (): OdooError => crash('TypeError', 'cannot marshal None unless allow_none is enabled');

const FRAMES =
  'Traceback (most recent call last):\n' +
  '  File "/usr/lib/python3/dist-packages/odoo/addons/rpc/controllers/xmlrpc.py", line 162, in xmlrpc_2\n' +
  '    response = self._xmlrpc(service)\n' +
  '  File "/usr/lib/python3/dist-packages/odoo/http.py", line 365, in dispatch_rpc\n' +
  '    return dispatch(method, params)\n' +
  '  File "/usr/lib/python3/dist-packages/odoo/service/model.py", line 154, in retrying\n' +
  '    result = func()\n';

export function traceback(error: OdooError): string {
  return `${FRAMES}${error.pythonName.replace(/^builtins\./, '')}: ${error.message}\n`;
}

export function faultString(error: OdooError): string {
  return error.faultCode === 1 ? traceback(error) : error.message;
}

/** Anything thrown, as an OdooError; a bug of the lab shows as a crash with its own text. */
export function toOdooError(error: unknown): OdooError {
  if (error instanceof OdooError) return error;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return crash('RuntimeError', text);
}
