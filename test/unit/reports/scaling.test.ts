import { describe, expect, test } from 'vitest';
import { joinGaps } from '../../../reports/html/lanes.ts';
import { renderHtml } from '../../../reports/html/render-html.ts';
import { renderMarkdown } from '../../../reports/markdown.ts';
import { adviceDeed, stageTook } from '../../../reports/scaling-words.ts';
import { renderText } from '../../../reports/text.ts';
import type { Evaluation, RightsizingAdvice } from '../../../src/model/evaluation.ts';
import { anEvaluation } from '../../builders/an-evaluation.ts';
import { STUB_ASSETS } from './assets.ts';

const all = (evaluation: Evaluation) => [renderHtml(evaluation, STUB_ASSETS), renderMarkdown(evaluation), renderText(evaluation)];

describe('autoscaling, advice and gaps', () => {
  test('stand in every report for people', () => {
    for (const report of all(anEvaluation())) {
      expect(report).toMatch(/metric delay/i);
      expect(report).toMatch(/raise to 0.96 cores/);
      expect(report).toMatch(/connect ECONNREFUSED/);
    }
  });

  test('are left out, not empty, of a run that knows nothing of them', () => {
    const { autoscaling: _, rightsizing: __, gaps: ___, ...older } = anEvaluation();
    for (const report of all(older)) expect(report).not.toMatch(/metric delay|advice|not seen for/i);
  });

  test('without advice say why', () => {
    const rightsizing = { workload: 'odoo', phases: [], advice: [], noAdvice: 'the use of the pods was not measured' };
    const [page, markdown] = all(anEvaluation({ rightsizing }));
    expect(page).toContain('the use of the pods was not measured');
    expect(markdown).toContain('No advice: the use of the pods was not measured');
  });

  test('a part that was not seen is no part that took no time', () => {
    const stage = { name: 'start', fromAt: 0, toAt: null, durationMs: null, resolutionMs: null, source: '' } as const;
    expect(stageTook(stage)).toBe('not seen');
    expect(stageTook({ ...stage, toAt: 0, durationMs: 0, resolutionMs: 1_000 })).toBe('0 ms ± 1 s');
  });
});

test.each([
  [2, 2, 'keep 2 replicas'],
  [2, 4, 'raise to 4 replicas'],
  [4, 2, 'lower to 2 replicas'],
  [null, 2, 'set to 2 replicas'],
  [2, null, 'no advice'],
])('from %s to %s is "%s"', (current, advised, words) => {
  const advice: RightsizingAdvice = { setting: 'minReplicas', current, advised, unit: 'replicas', reason: '' };
  expect(adviceDeed(advice)).toBe(words);
});

describe('gaps on the axis', () => {
  const gap = (source: string, fromAt: number, toAt: number) => ({ source, fromAt, toAt, reason: 'gone' });
  test('of sources that failed together share a band', () => {
    expect(joinGaps([gap('hpa', 10_000, 30_000), gap('pods', 10_500, 30_200)])).toEqual([
      { sources: ['hpa', 'pods'], fromAt: 10_000, toAt: 30_200, reason: 'gone' },
    ]);
  });
  test('at other times do not', () => {
    expect(joinGaps([gap('hpa', 10_000, 30_000), gap('hpa', 30_500, 31_000), gap('redis', 10_000, 90_000)])).toHaveLength(3);
  });
  test('are hatched', () => expect(renderHtml(anEvaluation(), STUB_ASSETS)).toMatch(/<pattern id="hatching"[\s\S]*class="gap"/));
});
