import type { OdooAnswer, OdooValue } from '../../src/clients/ports.ts';

export type Row = Record<string, OdooValue>;
export type Reply = Partial<OdooAnswer> & Pick<OdooAnswer, 'outcome'>;
export const ok = (value: OdooValue): Reply => ({ outcome: 'ok', value });
export const fault = (message: string, faultCode = 2): Reply => ({ outcome: 'fail', message, faultCode });
/** What XML-RPC makes of a method that returned None. */
export const noneFault: Reply = {
  outcome: 'unknown',
  message: 'TypeError: cannot marshal None unless allow_none is enabled',
  faultCode: 1,
};
export const timedOut: Reply = { outcome: 'unknown', message: 'no answer within 40000 ms' };
export const refused: Reply = { outcome: 'fail', message: 'connection to erp refused' };

export function list(value: OdooValue | undefined): readonly OdooValue[] {
  return Array.isArray(value) ? value : [];
}
