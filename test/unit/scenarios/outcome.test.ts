import { describe, expect, test } from 'vitest';
import { classify, faultTextOf, lastLine, NONE_FAULT } from '../../../scenarios/odoo/outcome.ts';
import { answerXml, faultXml } from '../../integration/load-stub-odoo.ts';

const answered = (body: string, status = 200) => classify({ status, body, errorCode: 0 });
const brokenBy = (errorCode: number) => classify({ status: 0, body: null, errorCode });
const traceback = (last: string) => `Traceback (most recent call last):\n  File "odoo/http.py", line 1, in x\n    f()\n${last}\n`;

describe('an answer of Odoo', () => {
  test('is ok when it has a value, whatever the value says', () => {
    expect(answered(answerXml(true)).outcome).toBe('ok');
    expect(answered(answerXml({ faultCode: 1, faultString: '<fault>' })).outcome).toBe('ok');
  });

  // The fault table of docs/reference/odoo-behaviour.md section 4.
  test.each([
    ['wrong password', 3, 'Access Denied', 'fail', 'denied'],
    [
      'missing record',
      2,
      'Record does not exist or has been deleted.\n(Record: res.users(9999,), User: 9999)',
      'fail',
      'missing',
    ],
    [
      'unknown database',
      1,
      traceback('psycopg2.OperationalError: connection to server at "x" failed: FATAL:  database "nope" does not exist'),
      'fail',
      'database-down',
    ],
    ['unknown model', 2, "Object no.such.model doesn't exist", 'fail', 'missing'],
    ['private method', 4, "Private methods (such as 'res.partner._write') cannot be called remotely.", 'fail', 'access'],
    ['unknown field', 1, traceback("ValueError: Invalid field 'x' on model 'y'"), 'fail', 'crash'],
    [
      'missing required',
      2,
      'The operation cannot be completed: x\n\nModel: Order (sale.order)\nField: Customer (partner_id)\n',
      'fail',
      'business',
    ],
    ['business rule', 2, 'Some orders are not in a state requiring confirmation.', 'fail', 'business'],
    ['None after the commit', 1, traceback('TypeError: cannot marshal None unless allow_none is enabled'), 'unknown', NONE_FAULT],
    [
      'conflict after five tries',
      1,
      traceback('psycopg2.errors.SerializationFailure: could not serialize access due to concurrent update'),
      'fail',
      'conflict',
    ],
    ['malformed XML', 1, traceback('xml.parsers.expat.ExpatError: no element found'), 'fail', 'crash'],
    [
      'read-only after a failover',
      1,
      traceback('psycopg2.errors.ReadOnlySqlTransaction: cannot execute INSERT in a read-only transaction'),
      'fail',
      'read-only',
    ],
    [
      'primary lost, perhaps in COMMIT',
      1,
      traceback(
        'psycopg2.OperationalError: server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally\n\tbefore or while processing the request.',
      ),
      'unknown',
      'database-lost',
    ],
    [
      'primary shut down',
      1,
      traceback('psycopg2.errors.AdminShutdown: terminating connection due to administrator command'),
      'unknown',
      'database-lost',
    ],
    [
      'no primary',
      1,
      traceback('psycopg2.OperationalError: connection to server at "db" (10.0.0.1), port 5432 failed: Connection refused'),
      'fail',
      'database-down',
    ],
  ] as const)('%s', (_name, code, text, outcome, fault) => {
    expect(answered(faultXml(code, text))).toMatchObject({ outcome, fault });
  });

  test('the last line counts: words of the traceback above it do not', () => {
    const text = 'Traceback (most recent call last):\n    raise TypeError("cannot marshal None")\nValueError: bad\n';
    expect(answered(faultXml(1, text))).toMatchObject({ outcome: 'fail', fault: 'crash', message: 'ValueError: bad' });
    expect(lastLine('a\n\n')).toBe('a');
    expect(lastLine('')).toBe('');
  });

  test('a fault string is read back as it was sent', () => {
    expect(faultTextOf(faultXml(2, 'a <b> & "c"\n\td'))).toBe('a <b> & "c"\n\td');
  });

  test('200 without XML-RPC, or cut short, may have been done', () => {
    expect(answered('<html>maintenance</html>')).toMatchObject({ outcome: 'unknown', fault: 'not-xml-rpc' });
    expect(answered(answerXml(4).slice(0, -20))).toMatchObject({ outcome: 'unknown', fault: 'cut-short' });
    expect(answered('')).toMatchObject({ outcome: 'unknown' });
  });
});

describe('no answer of Odoo', () => {
  test.each([
    [502, 'Bad Gateway', 'unknown'],
    [504, 'Gateway Timeout', 'unknown'],
    [500, 'oops', 'unknown'],
    [503, 'upstream connect error or disconnect/reset before headers. reset reason: connection termination', 'unknown'],
    [503, 'no healthy upstream', 'fail'],
    [503, '<center><h1>503 Service Temporarily Unavailable</h1></center><hr><center>nginx</center>', 'fail'],
    [408, '', 'unknown'],
    [404, '', 'fail'],
    [429, '', 'fail'],
    [303, '', 'fail'],
  ] as const)('HTTP %i %s', (status, body, outcome) => {
    expect(answered(body, status)).toMatchObject({ outcome, fault: `http-${status}` });
  });

  test.each([
    [1050, 'unknown', 'timeout'],
    [1220, 'unknown', 'reset'],
    [1000, 'unknown', 'connection-lost'],
    [1201, 'unknown', 'connection-lost'],
    [1212, 'fail', 'refused'],
    [1211, 'fail', 'connect-timeout'],
    [1101, 'fail', 'address'],
    [1310, 'fail', 'certificate'],
  ] as const)('k6 error %i', (code, outcome, fault) => {
    expect(brokenBy(code)).toMatchObject({ outcome, fault });
  });
});
