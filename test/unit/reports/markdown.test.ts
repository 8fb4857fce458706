import { describe, expect, test } from 'vitest';
import { renderMarkdown } from '../../../reports/markdown.ts';
import { anEvaluation, anUndoneEvaluation } from '../../builders/an-evaluation.ts';

const withReason = (reason: string) => anEvaluation({ objectives: anEvaluation().objectives.map((one) => ({ ...one, reason })) });

describe('renderMarkdown', () => {
  test('is stable', async () => {
    await expect(renderMarkdown(anEvaluation())).toMatchFileSnapshot('../../fixtures/reports/summary.md');
  });

  test('what could not be undone comes before the verdict', () => {
    const text = renderMarkdown(anUndoneEvaluation());
    expect(text.indexOf('[!CAUTION]')).toBe(2);
    expect(text.indexOf('could not be undone')).toBeLessThan(text.indexOf('## ❌ Failed'));
  });

  test('a cell cannot end its row or begin another', () => {
    const lines = renderMarkdown(withReason('a | b\n| c | d |')).split('\n');
    const rows = lines.filter((line) => line.includes('flash-sale-attainment'));
    expect(rows.map((row) => row.replaceAll('\\|', '').split('|').length)).toEqual([9]);
  });

  test.each(['<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '`code`', '[click](javascript:alert(1))', '**bold**'])(
    'shows %s as text',
    (reason) => {
      const text = renderMarkdown(withReason(reason));
      expect(text).not.toContain(reason);
      expect(text).not.toMatch(/<(script|img)/);
    },
  );

  test('mentions nobody, links nowhere', () => {
    const text = renderMarkdown(withReason('ask @octocat, see https://example.test and #12'));
    expect(text).not.toMatch(/@octocat|https:\/\/example|(?<!\\)#12/);
  });
});
