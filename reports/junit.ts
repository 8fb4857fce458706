/**
 * JUnit XML for CI servers. There is no schema; some servers show nothing but a case's name and the text of its failure, so
 * everything needed is in those two. A missed target is a `failure`; what could not be judged is an `error`, because a gate
 * must not take it for a pass.
 */
import { create } from 'xmlbuilder2';
import type { Evaluation, GuardResult, ObjectiveResult } from '../src/model/evaluation.ts';
import { formatValue, isoInstant } from './format.ts';
import { sanitiseEvaluation } from './sanitise.ts';
import { headline, marginText, measuredText, repeatCommands, targetText, targetWords, warnings } from './wording.ts';

interface Case {
  readonly name: string;
  readonly classname: string;
  readonly problem?: { readonly kind: 'failure' | 'error'; readonly message: string; readonly text: string };
  /** What was found, for cases that passed. */
  readonly output?: string;
}

export function renderJunit(input: Evaluation): string {
  const evaluation = sanitiseEvaluation(input);
  const cases = allCases(evaluation);
  const count = (kind: 'failure' | 'error') => String(cases.filter((one) => one.problem?.kind === kind).length);
  const totals = {
    tests: String(cases.length),
    failures: count('failure'),
    errors: count('error'),
    skipped: '0',
    time: ((evaluation.endedAt - evaluation.startedAt) / 1000).toFixed(3),
  };
  const name = `peakproof: ${evaluation.plan.name}`;
  const root = create({ version: '1.0', encoding: 'UTF-8' }).ele('testsuites', { name, ...totals });
  const suite = root.ele('testsuite', { name, ...totals, timestamp: isoInstant(evaluation.startedAt).slice(0, 19) });
  const properties = suite.ele('properties');
  for (const [key, value] of Object.entries({
    runId: evaluation.runId,
    verdict: evaluation.verdict,
    planDigest: evaluation.plan.digest,
    seed: String(evaluation.plan.seed),
  })) {
    properties.ele('property', { name: key, value });
  }
  for (const { name: title, classname, problem, output } of cases) {
    const element = suite.ele('testcase', { name: title, classname, time: '0' });
    if (problem !== undefined) {
      element
        .ele(problem.kind, { message: problem.message, type: problem.kind === 'failure' ? 'fail' : 'inconclusive' })
        .txt(problem.text);
    }
    if (output !== undefined && output !== '') element.ele('system-out').txt(output);
  }
  return `${root.end({ prettyPrint: true })}\n`;
}

function allCases(evaluation: Evaluation): readonly Case[] {
  const judged = [
    ...evaluation.objectives.map((one) => objectiveCase(evaluation, one)),
    ...evaluation.guards.map((one) => guardCase(evaluation, one)),
    ...warnings(evaluation).map(({ level, title, text }) => runCase(evaluation, level, title, text)),
  ];
  // A verdict that no case shows (no objective at all, say) would be a green file for a red run.
  if (evaluation.verdict === 'pass' || judged.some((one) => one.problem !== undefined)) return judged;
  const { word, sentence } = headline(evaluation);
  return [...judged, runCase(evaluation, 'verdict', word, sentence)];
}

function objectiveCase(evaluation: Evaluation, result: ObjectiveResult): Case {
  const name = `${result.id}: ${result.kind} of ${result.service}, ${targetWords(result)}`;
  const classname = `peakproof.objective.${result.kind}`;
  const text = describeObjective(evaluation, result);
  if (result.verdict === 'pass') return { name, classname, output: text };
  const kind = result.verdict === 'fail' ? 'failure' : 'error';
  return { name, classname, problem: { kind, message: oneLine(result.reason), text } };
}

function describeObjective(evaluation: Evaluation, result: ObjectiveResult): string {
  return [
    result.reason,
    `measured ${measuredText(result)}, target ${targetText(result)}, margin ${marginText(result)}`,
    ...(result.source === undefined ? [] : [`the target comes from: ${result.source}`]),
    ...result.evidence.map((one) => `evidence: ${one.text}${one.file === undefined ? '' : ` (${one.file})`}`),
    ...result.details.map(
      (one) => `${one.name}: ${typeof one.value === 'string' ? one.value : formatValue(one.value, one.unit ?? '')}`,
    ),
    ...howToRepeat(evaluation),
  ].join('\n');
}

function guardCase(evaluation: Evaluation, guard: GuardResult): Case {
  const name = `guard ${guard.id}`;
  const classname = 'peakproof.guard';
  if (guard.held) return { name, classname, output: guard.reason };
  const scope = guard.objectives.length === 0 ? 'every objective' : guard.objectives.join(', ');
  const text = [guard.reason, `this makes inconclusive: ${scope}`, ...howToRepeat(evaluation)].join('\n');
  return { name, classname, problem: { kind: 'error', message: oneLine(guard.reason), text } };
}

function runCase(evaluation: Evaluation, id: string, title: string, text: string): Case {
  const open = id === 'undo-open' ? evaluation.undoOpen.map((one) => `${one.fault}: ${one.action} (${one.id})`) : [];
  return {
    name: `run: ${id}`,
    classname: 'peakproof.run',
    problem: {
      kind: id === 'verdict' && evaluation.verdict === 'fail' ? 'failure' : 'error',
      message: oneLine(title),
      text: [`${title}. ${text}`, ...open, ...howToRepeat(evaluation)].join('\n'),
    },
  };
}

function howToRepeat(evaluation: Evaluation): readonly string[] {
  const first = repeatCommands(evaluation)[0];
  return [
    `run ${evaluation.runId}, plan ${evaluation.plan.digest}`,
    ...(first === undefined ? [] : [`${first.says}: ${first.command}`]),
  ];
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}
