import { describe, expect, test } from 'vitest';
import { renderChaosToolkitJournal } from '../../../reports/chaostoolkit-journal.ts';
import { anEvaluation, anUndoneEvaluation, aPassingEvaluation } from '../../builders/an-evaluation.ts';

describe('renderChaosToolkitJournal', () => {
  test('is stable', async () => {
    await expect(renderChaosToolkitJournal(anEvaluation())).toMatchFileSnapshot(
      '../../fixtures/reports/journal.chaostoolkit.json',
    );
  });

  test('a failed run has deviated; a passed one has completed', () => {
    expect(JSON.parse(renderChaosToolkitJournal(anEvaluation()))).toMatchObject({ status: 'failed', deviated: true });
    expect(JSON.parse(renderChaosToolkitJournal(aPassingEvaluation()))).toMatchObject({ status: 'completed', deviated: false });
  });

  test('an inconclusive run did not deviate, and is not completed', () => {
    const journal = renderChaosToolkitJournal(anEvaluation({ verdict: 'inconclusive' }));
    expect(JSON.parse(journal)).toMatchObject({ status: 'failed', deviated: false });
  });

  test('an interrupted run says so', () => {
    expect(JSON.parse(renderChaosToolkitJournal(anUndoneEvaluation()))).toMatchObject({ status: 'interrupted' });
  });

  test('a fault that was not shown to have happened did not succeed', () => {
    const { run } = JSON.parse(renderChaosToolkitJournal(anEvaluation()));
    expect(run.map((one: { status: string }) => one.status)).toEqual(['succeeded', 'succeeded', 'failed']);
  });
});
