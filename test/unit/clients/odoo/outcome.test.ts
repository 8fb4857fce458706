import { describe, expect, it } from 'vitest';
import {
  classifyFault,
  classifyStatus,
  isMissingDatabase,
  lastLine,
  missingModelIn,
} from '../../../../src/clients/odoo/outcome.ts';

const traceback = 'Traceback (most recent call last):\n  File "odoo/http.py", line 1\n';

describe('classifyFault', () => {
  it.each([
    ['Access Denied', 'fail'],
    ['Some orders are not in a state requiring confirmation.', 'fail'],
    [`${traceback}psycopg2.errors.SerializationFailure: could not serialize access due to concurrent update\n`, 'fail'],
    [`${traceback}psycopg2.errors.ReadOnlySqlTransaction: cannot execute INSERT in a read-only transaction\n`, 'fail'],
    [`${traceback}TypeError: cannot marshal None unless allow_none is enabled\n`, 'unknown'],
    [`${traceback}TypeError: unhashable type: 'dict'\n`, 'fail'],
    ['The customer wrote: "cannot marshal None"\nThe entry is not balanced.', 'fail'],
    [
      `${traceback}psycopg2.OperationalError: server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally\n\tbefore or while processing the request.\n`,
      'unknown',
    ],
    [`${traceback}psycopg2.InterfaceError: connection already closed`, 'unknown'],
    [`${traceback}psycopg2.errors.AdminShutdown: terminating connection due to administrator command`, 'unknown'],
    [`${traceback}psycopg2.OperationalError: connection to server at "127.0.0.1", port 1 failed: Connection refused`, 'fail'],
  ])('%j is %s', (text, outcome) => {
    expect(classifyFault(text)).toBe(outcome);
  });
});

describe('classifyStatus', () => {
  it.each([
    [404, '', 'fail'],
    [301, '', 'fail'],
    [429, '', 'fail'],
    [408, '', 'unknown'],
    [503, 'no healthy upstream', 'fail'],
    [503, 'upstream connect error or disconnect/reset before headers', 'unknown'],
    [500, '', 'unknown'],
    [502, '', 'unknown'],
    [504, '', 'unknown'],
  ])('HTTP %i %j is %s', (status, body, outcome) => {
    expect(classifyStatus(status, body)).toBe(outcome);
  });
});

it('finds what is missing in the words of the fault', () => {
  expect(lastLine('a\nb\n\n')).toBe('b');
  expect(missingModelIn("Object no.such.model doesn't exist")).toBe('no.such.model');
  expect(missingModelIn('Access Denied')).toBeNull();
  expect(isMissingDatabase('psycopg2.OperationalError: FATAL:  database "nope" does not exist')).toBe(true);
});
