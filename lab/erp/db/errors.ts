/** SQLSTATE -> the psycopg2 class whose name stands in Odoo's tracebacks, and what each means for retry and connection. */
import { crash, type OdooError, validationError } from '../rpc/faults.ts';

const CLASSES: Readonly<Record<string, string>> = {
  '40001': 'psycopg2.errors.SerializationFailure',
  '40P01': 'psycopg2.errors.DeadlockDetected',
  '55P03': 'psycopg2.errors.LockNotAvailable',
  '25006': 'psycopg2.errors.ReadOnlySqlTransaction',
  '57P01': 'psycopg2.errors.AdminShutdown',
  '57P02': 'psycopg2.errors.CrashShutdown',
  '57014': 'psycopg2.errors.QueryCanceled',
  '22P02': 'psycopg2.errors.InvalidTextRepresentation',
  '22003': 'psycopg2.errors.NumericValueOutOfRange',
  '22007': 'psycopg2.errors.InvalidDatetimeFormat',
  '22008': 'psycopg2.errors.DatetimeFieldOverflow',
  '22012': 'psycopg2.errors.DivisionByZero',
  '42703': 'psycopg2.errors.UndefinedColumn',
  '42804': 'psycopg2.errors.DatatypeMismatch',
  '42883': 'psycopg2.errors.UndefinedFunction',
  '53300': 'psycopg2.OperationalError',
  '53100': 'psycopg2.errors.DiskFull',
};

interface PgError extends Error {
  readonly code?: string;
  readonly constraint?: string;
  readonly column?: string;
  readonly table?: string;
  readonly detail?: string;
  readonly severity?: string;
}

export function sqlState(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const { code } = error as PgError;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && code !== 'EPIPE' ? code : null;
}

export function constraintOf(error: unknown): string {
  return (error instanceof Error && (error as PgError).constraint) || '';
}

/** The failures that Odoo's `service.model.retrying` repeats. */
export function isRetryable(error: unknown): boolean {
  const state = sqlState(error);
  return state === '40001' || state === '40P01' || state === '55P03';
}

/** The connection is of no use any more: gone, or it leads to a server that is not the primary. */
export function breaksConnection(error: unknown): boolean {
  const state = sqlState(error);
  if (state === null) return isConnectionError(error);
  return state === '25006' || state.startsWith('57P') || state.startsWith('08');
}

export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as PgError;
  if (code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'EPIPE' || code === 'ETIMEDOUT' || code === 'ENOTFOUND')
    return true;
  return /Connection terminated|not queryable|Client was closed|Connection ended|connection error/i.test(error.message);
}

/** Database errors in psycopg's words; anything else unchanged. */
export function translateDatabaseError(error: unknown, where: string): unknown {
  const state = sqlState(error);
  const message = error instanceof Error ? error.message : String(error);
  if (state === '23505') return validationError(`The operation cannot be completed: ${message}`);
  if (state !== null) {
    const name = CLASSES[state] ?? (state.startsWith('08') || state.startsWith('57P') ? 'psycopg2.OperationalError' : null);
    return crash(name ?? 'psycopg2.DatabaseError', message);
  }
  if (!isConnectionError(error)) return error;
  return operationalError(error, where);
}

function operationalError(error: unknown, where: string): OdooError {
  const code = error instanceof Error ? (error as PgError).code : undefined;
  if (code === 'ECONNREFUSED')
    return crash(
      'psycopg2.OperationalError',
      `connection to server at ${where} failed: Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?`,
    );
  return crash(
    'psycopg2.OperationalError',
    'server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally\n\tbefore or while processing the request.',
  );
}
