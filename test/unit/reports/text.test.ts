import { describe, expect, test } from 'vitest';
import { renderText } from '../../../reports/text.ts';
import { anEvaluation, anUndoneEvaluation } from '../../builders/an-evaluation.ts';

describe('renderText', () => {
  test('is stable', async () => {
    await expect(renderText(anEvaluation())).toMatchFileSnapshot('../../fixtures/reports/summary.txt');
  });

  test('has no escape sequence unless colour is asked for', () => {
    expect(renderText(anUndoneEvaluation())).not.toContain('\u001b');
    expect(renderText(anUndoneEvaluation(), { color: true })).toContain('\u001b[31m');
  });

  test('what could not be undone is the first line', () => {
    expect(renderText(anUndoneEvaluation()).split('\n')[0]).toContain('COULD NOT BE UNDONE');
  });

  test('a terminal is not driven by what a server answered', () => {
    const objectives = anEvaluation().objectives.map((one) => ({ ...one, reason: '\u001b[2J\u001b]0;owned\u0007' }));
    const text = renderText(anEvaluation({ objectives }));
    expect([text.includes('\u001b'), text.includes('\u0007')]).toEqual([false, false]);
  });
});
