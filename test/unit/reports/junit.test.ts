import { parseXml, XmlElement } from '@rgrove/parse-xml';
import { describe, expect, test } from 'vitest';
import { renderJunit } from '../../../reports/junit.ts';
import type { Evaluation } from '../../../src/model/evaluation.ts';
import { anEvaluation, anUndoneEvaluation, aPassingEvaluation } from '../../builders/an-evaluation.ts';

function suiteOf(evaluation: Evaluation): XmlElement {
  const suite = parseXml(renderJunit(evaluation)).root?.children.find((child) => child instanceof XmlElement);
  if (!(suite instanceof XmlElement)) throw new Error('no test suite');
  return suite;
}

function elements(parent: XmlElement, name: string): readonly XmlElement[] {
  return parent.children.filter((child) => child instanceof XmlElement).filter((child) => child.name === name);
}

function casesWith(evaluation: Evaluation, kind: 'failure' | 'error'): readonly string[] {
  return elements(suiteOf(evaluation), 'testcase')
    .filter((one) => elements(one, kind).length > 0)
    .map((one) => one.attributes.name ?? '');
}

describe('renderJunit', () => {
  test('is stable', async () => {
    await expect(renderJunit(anEvaluation())).toMatchFileSnapshot('../../fixtures/reports/report.junit.xml');
  });

  test('a missed target is a failure, what could not be judged an error', () => {
    expect(casesWith(anEvaluation(), 'failure').map((name) => name.split(':')[0])).toEqual([
      'flash-sale-attainment',
      'order-recovery-after-failover',
      'posting-recovery-after-failover',
      'orders-not-lost',
    ]);
    expect(casesWith(anEvaluation(), 'error')).toEqual([
      'redis-recovery: recovery of pos, at most 15 s',
      'guard fault-proven:redis-memory',
    ]);
  });

  test('the counts are those of the cases', () => {
    const suite = suiteOf(anUndoneEvaluation());
    const cases = elements(suite, 'testcase');
    expect(suite.attributes).toMatchObject({
      tests: String(cases.length),
      failures: String(casesWith(anUndoneEvaluation(), 'failure').length),
      errors: String(casesWith(anUndoneEvaluation(), 'error').length),
    });
  });

  test('a passed run has neither failures nor errors', () => {
    expect(suiteOf(aPassingEvaluation()).attributes).toMatchObject({ failures: '0', errors: '0' });
  });

  test('a run that is not passed is never a green file, even with nothing judged', () => {
    const empty = anEvaluation({ verdict: 'inconclusive', objectives: [], guards: [] });
    expect(casesWith(empty, 'error')).toEqual(['run: verdict']);
  });

  test('what could not be undone is an error even when every objective was met', () => {
    const undone = aPassingEvaluation({ undoOpen: [{ id: 'u', fault: 'f', action: 'a' }] });
    expect(casesWith(undone, 'error')).toEqual(['run: undo-open']);
  });

  test('names do not hold what was measured, so that servers can follow a case over runs', () => {
    const names = (measured: number) => {
      const objectives = anEvaluation().objectives.map((one) => ({ ...one, measured, reason: `got ${measured}` }));
      return elements(suiteOf(anEvaluation({ objectives })), 'testcase').map((one) => one.attributes.name);
    };
    expect(names(1)).toEqual(names(2));
  });
});
