import { parseXml } from '@rgrove/parse-xml';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderReports, renderText } from '../../../reports/index.ts';
import type { Evaluation } from '../../../src/model/evaluation.ts';
import { anUndoneEvaluation, aTimeline } from '../../builders/an-evaluation.ts';
import { STUB_ASSETS } from './assets.ts';

const HOSTILE = [
  '<script>alert(1)</script>',
  '</script><script>alert(2)</script>',
  '--></style><img src=x onerror=alert(3)>',
  '<![CDATA[ ]]> ]]>',
  '"\' onmouseover="alert(4)',
  'a\r\nb\nc\td',
  '\u202egnp.exe\u202c \u2066x\u2069 \u200f',
  '\u0000\u0008\u000b\u001b[31m\u007f\u0085\u2028\u2029',
  '\ud800 lone \udfff surrogates',
  '| a | b |\n|---|---|\n``` x',
  '&lt;&amp;&#x3c;',
];

/** Puts a text behind every string of an evaluation, but the ones that are one of a fixed set of words. */
function poisoned(evaluation: Evaluation, text: string): Evaluation {
  const words = new Set(['verdict', 'kind', 'service', 'direction', 'unit', 'phase', 'panel']);
  const poison = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') return words.has(key) ? value : value + text;
    if (Array.isArray(value)) return value.map((one) => poison(one, key));
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, poison(inner, name)]));
    }
    return value;
  };
  return poison(evaluation, '') as Evaluation;
}

/** One or two of everything: a hundred renderings must not take seconds. */
function small(): Evaluation {
  const { objectives, scenarios, faults, guards, ...rest } = anUndoneEvaluation();
  const timeline = aTimeline({ points: 2, stepMs: 150_000 });
  return {
    ...rest,
    objectives: objectives.slice(1, 3),
    scenarios: scenarios.slice(0, 1).map((one) => ({ ...one, phases: one.phases.slice(0, 1) })),
    faults: faults.slice(0, 2),
    guards: guards.slice(-1),
    recoveries: rest.recoveries.slice(0, 1),
    dataLoss: rest.dataLoss.slice(0, 1),
    timeline: { ...timeline, series: timeline.series.slice(0, 2) },
  };
}

const sample = small();

function expectHarmless(text: string): void {
  const evaluation = poisoned(sample, text);
  const reports = renderReports(evaluation, STUB_ASSETS);
  const html = reports.get('report.html') ?? '';
  expect(html.match(/<script/g)).toHaveLength(3);
  expect(html.match(/<\/script/g)).toHaveLength(3);
  expect(html.match(/<style/g)).toHaveLength(2);
  expect(html.replace(/="[^"]*"/g, '')).not.toMatch(/<[^>]+\son[a-z]+|<img/i);
  parseXml(reports.get('report.junit.xml') ?? '');
  JSON.parse(reports.get('journal.chaostoolkit.json') ?? '');
  const [before, code, after, ...more] = (reports.get('summary.md') ?? '').split(/^```.*$/m);
  expect(more).toEqual([]);
  expect(code).toContain('npx peakproof');
  expect(`${before}${after}`).not.toMatch(/<(script|img|style)/i);
  for (const report of [...reports.values(), renderText(evaluation)]) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is the claim
    expect(report).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    expect(report.isWellFormed()).toBe(true);
  }
}

describe('text from elsewhere is harmless in every report', () => {
  test.each(HOSTILE)('%j', (text) => {
    expectHarmless(text);
  });

  test('whatever it is', () => {
    const part = fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom(...HOSTILE));
    const text = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
    fc.assert(fc.property(text, expectHarmless), { numRuns: 15 });
  });
});
