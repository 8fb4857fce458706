import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { EXIT, exitCodeForError, exitCodeForRun } from '../../../src/cli/exit-codes.ts';
import { packageRoot } from '../../../src/clients/package-root.ts';
import { HarnessError } from '../../../src/errors.ts';

describe('exit codes', () => {
  test.each([
    [{ verdict: 'pass', undoComplete: true, interrupted: false }, 0],
    [{ verdict: 'fail', undoComplete: true, interrupted: false }, 1],
    [{ verdict: 'inconclusive', undoComplete: true, interrupted: false }, 2],
    [{ verdict: 'pass', undoComplete: false, interrupted: true }, 4],
    [{ verdict: 'fail', undoComplete: true, interrupted: true }, 130],
  ] as const)('%o exits %i', (result, code) => expect(exitCodeForRun(result)).toBe(code));

  test.each([
    ['ERR_PLAN_INVALID', 3],
    ['ERR_GUARD', 3],
    ['ERR_SELECTOR_EMPTY', 3],
    ['ERR_UNDO_INCOMPLETE', 4],
    ['ERR_TARGET_UNREACHABLE', 5],
    ['ERR_K6_MISSING', 5],
    ['ERR_INTERRUPTED', 130],
  ] as const)('%s exits %i', (code, exit) => expect(exitCodeForError(new HarnessError(code, 'x'))).toBe(exit));

  test('a fault of our own is never a verdict', () => expect(exitCodeForError(new TypeError('x'))).toBe(EXIT.harness));

  test('the documented table has every code', () => {
    const table = readFileSync(join(packageRoot(), 'docs/reference/exit-codes.md'), 'utf8');
    for (const code of Object.values(EXIT)) expect(table).toMatch(new RegExp(`\\|\\s*\`?${code}\`?\\s*\\|`));
  });
});
