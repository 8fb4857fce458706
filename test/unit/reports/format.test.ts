import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatDuration,
  formatMargin,
  formatNumber,
  formatPair,
  formatSince,
  formatValue,
  isoInstant,
} from '../../../reports/format.ts';

describe('formatValue', () => {
  test.each([
    [842.4, 'ms', '842 ms'],
    [8_540, 'ms', '8.54 s'],
    [119_000, 'ms', '119 s'],
    [125_000, 'ms', '2 min 05 s'],
    [3_720_000, 'ms', '1 h 02 min'],
    [0, 'ms', '0 ms'],
    [-4_500, 'ms', '−4.5 s'],
    [0.9412, 'ratio', '94.1 %'],
    [1, 'ratio', '100 %'],
    [0.00004, 'ratio', '0.004 %'],
    [50_645_000, 'bytes', '48.3 MiB'],
    [512, 'bytes', '512 B'],
    [1_204, 'writes', '1,204 writes'],
    [1, 'writes', '1 write'],
    [23.456, '/s', '23.5/s'],
    [1_234_567, 'count', '1,234,567'],
  ])('%d %s reads %s', (value, unit, text) => {
    expect(formatValue(value, unit)).toBe(text);
  });

  test('shows a dash for what was not measured, never 0', () => {
    expect([formatValue(null, 'ms'), formatValue(undefined, 'ratio'), formatValue(Number.NaN, 'ms')]).toEqual(['–', '–', '–']);
  });
});

describe('formatPair', () => {
  test('tells a miss by a hair from its target', () => {
    expect(formatPair(30_004, 30_000, 'ms')).toEqual(['30.004 s', '30 s']);
    expect(formatPair(0.94999, 0.95, 'ratio')).toEqual(['94.999 %', '95 %']);
    expect(formatPair(150_040, 150_000, 'ms')).toEqual(['150.04 s', '150 s']);
  });

  test('never reads the same for two different values of a size that is measured', () => {
    const value = fc.integer({ min: 0, max: 10_000_000 });
    fc.assert(
      fc.property(value, value, (a, b) => {
        const [first, second] = formatPair(a, b, 'ms');
        expect(first === second).toBe(a === b);
      }),
    );
  });
});

describe('other formats', () => {
  test('a margin carries its sign', () => {
    expect([formatMargin(0.438), formatMargin(-0.0445), formatMargin(-1.6667), formatMargin(0), formatMargin(null)]).toEqual([
      '+44 %',
      '−4.5 %',
      '−167 %',
      '0 %',
      '–',
    ]);
  });

  test('an instant outside of what a date holds does not throw', () => {
    expect(isoInstant(Number.MAX_VALUE)).toBe('1970-01-01T00:00:00.000Z');
  });

  test('seconds since the start are signed', () => {
    expect([formatSince(1_500, 1_000), formatSince(500, 1_000)]).toEqual(['+0.5 s', '−0.5 s']);
  });

  test('no number is written with an exponent', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e15, max: 1e15, noNaN: true }), (value) => {
        expect(formatNumber(value)).not.toMatch(/[eE]/);
        expect(formatDuration(value)).not.toMatch(/[eE]/);
      }),
    );
  });
});
