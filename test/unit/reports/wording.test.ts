import { describe, expect, test } from 'vitest';
import {
  headline,
  measuredText,
  recoveryText,
  repeatCommands,
  warnings,
  worstFirst,
  worstRecovery,
} from '../../../reports/wording.ts';
import { anEvaluation, anUndoneEvaluation, aPassingEvaluation } from '../../builders/an-evaluation.ts';

describe('headline', () => {
  test('a failure says how many objectives were missed and how many are undecided', () => {
    expect(headline(anEvaluation()).sentence).toBe('The system missed 4 of 9 objectives; 1 could not be decided.');
  });

  test('a pass says under how many faults', () => {
    expect(headline(aPassingEvaluation()).sentence).toBe(
      'The system met all 4 objectives, with 3 faults shown to have happened.',
    );
  });

  test('an inconclusive run says why', () => {
    const evaluation = anEvaluation({ verdict: 'inconclusive' });
    expect(headline(evaluation).sentence).toContain('1 precondition did not hold, so 1 of 9 objectives could not be decided');
  });

  test('a run without objectives does not claim anything', () => {
    expect(headline(anEvaluation({ verdict: 'inconclusive', objectives: [], guards: [] })).sentence).toContain(
      'it judged no objective',
    );
  });
});

test('what could not be undone comes before every other warning', () => {
  expect(warnings(anUndoneEvaluation()).map((one) => one.level)).toEqual(['undo-open', 'aborted', 'interrupted']);
});

test('the rollback comes first among the commands while something is open', () => {
  expect(repeatCommands(anUndoneEvaluation())[0]?.command).toBe('npx peakproof rollback runs/20261127-093000-peak-day-7f3a');
});

test('a run id that a shell would read is quoted', () => {
  expect(repeatCommands(anEvaluation({ runId: "a'; rm -rf ~" }))[0]?.command).toBe(
    "npx peakproof evaluate 'runs/a'\\''; rm -rf ~'",
  );
});

test('objectives are shown with the worst first', () => {
  const verdicts = worstFirst(anEvaluation().objectives).map((one) => one.verdict);
  expect(verdicts).toEqual(['fail', 'fail', 'fail', 'fail', 'inconclusive', 'pass', 'pass', 'pass', 'pass']);
});

test('a censored measurement is a lower bound, and a missing one is not 0', () => {
  const texts = anEvaluation().objectives.map(measuredText);
  expect(texts).toContain('> 2 min 40 s ± 1 s');
  expect(texts).toContain('not measured');
});

test('a recovery that did not end is the longest', () => {
  expect(worstRecovery(anEvaluation())).toMatchObject({ service: 'financial-posting', censored: true });
});

describe('recoveryText', () => {
  const bracket = {
    service: 'order-capture',
    fault: 'kill',
    injectedAt: 0,
    impactAt: null,
    firstOkAt: null,
    recoveredAt: 0,
    recoveryMs: 0,
    errorBarMs: 500,
    censored: false,
    bound: null,
  } as const;

  test('says that nothing was felt only when nothing was', () => {
    expect(recoveryText(bracket)).toBe('no impact seen');
    expect(recoveryText({ ...bracket, recoveredAt: 3_400, recoveryMs: 3_400 })).toBe('3.4 s ± 0.5 s, no probe was bad');
    expect(recoveryText({ ...bracket, impactAt: 900, firstOkAt: 2_000, recoveredAt: 3_400, recoveryMs: 3_400 })).toBe(
      '3.4 s ± 0.5 s',
    );
  });

  test('never calls what did not come back unharmed', () => {
    expect(recoveryText({ ...bracket, recoveredAt: null, recoveryMs: null, censored: true })).toBe('not recovered');
  });
});
