/** `summary.md`: what a reviewer of a pull request needs, in GitHub-flavoured Markdown. */
import type { Evaluation, ObjectiveResult, Verdict } from '../src/model/evaluation.ts';
import { formatCount, formatDuration, formatInstant, formatSince } from './format.ts';
import { sanitiseEvaluation } from './sanitise.ts';
import { adviceDeed, adviceValue, gapsOf, gapWords, stageTook, stageWords } from './scaling-words.ts';
import {
  brokenGuards,
  faultState,
  headline,
  marginText,
  measuredText,
  recoveryText,
  repeatCommands,
  targetText,
  VERDICT_WORD,
  warnings,
  worstFirst,
} from './wording.ts';

const KEYS_SHOWN = 10;
const SYMBOL: Readonly<Record<Verdict, string>> = { pass: '✅', fail: '❌', inconclusive: '⚠️' };

export function renderMarkdown(input: Evaluation): string {
  const evaluation = sanitiseEvaluation(input);
  const { verdict, word, sentence } = headline(evaluation);
  const sections = [
    ...warnings(evaluation).map(({ level, title, text }) =>
      [
        level === 'undo-open' ? '> [!CAUTION]' : '> [!WARNING]',
        `> **${escaped(title)}.** ${escaped(text)}`,
        ...(level === 'undo-open' ? evaluation.undoOpen.map((one) => `> - ${escaped(`${one.fault}: ${one.action}`)}`) : []),
      ].join('\n'),
    ),
    `## ${SYMBOL[verdict]} ${word}: ${escaped(evaluation.plan.name)}\n\n${escaped(sentence)}`,
    objectivesTable(evaluation),
    guardsList(evaluation),
    faultsTable(evaluation),
    scalingTable(evaluation),
    lossList(evaluation),
    adviceList(evaluation),
    gapsList(evaluation),
    howToSeeMore(evaluation),
  ];
  return `${sections.filter((text) => text !== '').join('\n\n')}\n`;
}

function objectivesTable({ objectives }: Evaluation): string {
  const row = (one: ObjectiveResult) =>
    cells(
      `${SYMBOL[one.verdict]} ${VERDICT_WORD[one.verdict]}`,
      escaped(one.id),
      escaped(one.service),
      escaped(measuredText(one)),
      escaped(targetText(one)),
      escaped(marginText(one)),
      escaped(one.reason),
    );
  return table(
    ['Verdict', 'Objective', 'Service', 'Measured', 'Target', 'Margin', 'Why'],
    worstFirst(objectives).map(row),
    [3, 4, 5],
  );
}

function guardsList(evaluation: Evaluation): string {
  const broken = brokenGuards(evaluation);
  if (broken.length === 0) return '';
  return ['**Preconditions that did not hold**', '', ...broken.map((one) => `- ${escaped(one.id)}: ${escaped(one.reason)}`)].join(
    '\n',
  );
}

function faultsTable(evaluation: Evaluation): string {
  const rows = evaluation.faults.map((fault) => {
    const recoveries = evaluation.recoveries.filter((one) => one.fault === fault.fault);
    return cells(
      escaped(fault.fault),
      escaped(`${fault.kind} on ${fault.target}`),
      fault.injectedAt === null ? '–' : formatSince(fault.injectedAt, evaluation.startedAt),
      faultState(fault),
      recoveries.map((one) => escaped(`${one.service}: ${recoveryText(one)}`)).join('<br>') || '–',
    );
  });
  if (rows.length === 0) return '';
  return `### Faults and recovery\n\n${table(['Fault', 'What', 'At', 'State', 'Recovery time'], rows)}`;
}

function lossList(evaluation: Evaluation): string {
  const lines = evaluation.dataLoss.flatMap(({ service, acknowledged, lostKeys, duplicatedKeys }) => {
    const keys = lostKeys.slice(0, KEYS_SHOWN).map((one) => escaped(one.key));
    const rest = lostKeys.length - keys.length;
    const more = rest > 0 ? ` and ${rest} more` : '';
    const listed = keys.length === 0 ? '' : `: ${keys.join(', ')}${more}`;
    const counts = `${lostKeys.length} lost, ${duplicatedKeys.length} duplicated of ${formatCount(acknowledged, 'acknowledged write')}`;
    return [`- ${escaped(service)}: ${counts}${listed}`];
  });
  return lines.length === 0 ? '' : ['### Lost data', '', ...lines].join('\n');
}

function scalingTable({ autoscaling = [] }: Evaluation): string {
  if (autoscaling.length === 0) return '';
  const texts = autoscaling.map((one) => {
    const rows = one.stages.map((stage) =>
      cells(escaped(stageWords(stage.name)), escaped(stageTook(stage)), escaped(stage.note ?? '')),
    );
    const facts = [
      `${one.autoscaler} scales on ${one.scalesOn.join('; ')}${one.madeBy === null ? '' : ` (made by ${one.madeBy})`}`,
      ...(one.bound === null ? [] : [one.bound.text]),
      ...(one.limitedByMax ? ['limited by its maximum'] : []),
      `scale-in: ${one.scaleIn.text}`,
    ];
    return `${table([escaped(one.objective), 'Took', ''], rows, [1])}\n\n${facts.map((fact) => `- ${escaped(fact)}`).join('\n')}`;
  });
  return ['### Autoscaling', ...texts].join('\n\n');
}

function adviceList({ rightsizing }: Evaluation): string {
  if (rightsizing === undefined) return '';
  const title = `### Advice on sizes of ${escaped(rightsizing.workload)} (not part of the verdict)`;
  if (rightsizing.noAdvice !== null) return `${title}\n\nNo advice: ${escaped(rightsizing.noAdvice)}`;
  const rows = rightsizing.advice.map((one) =>
    cells(escaped(one.setting), escaped(adviceValue(one, one.current)), escaped(adviceDeed(one)), escaped(one.reason)),
  );
  return `${title}\n\n${table(['Setting', 'Now', 'Advice', 'Why'], rows, [1, 2])}`;
}

function gapsList(evaluation: Evaluation): string {
  const lines = gapsOf(evaluation).map((gap) => `- ${formatSince(gap.fromAt, evaluation.startedAt)} ${escaped(gapWords(gap))}`);
  return lines.length === 0 ? '' : ['### What could not be seen', '', ...lines].join('\n');
}

function howToSeeMore(evaluation: Evaluation): string {
  const { plan, startedAt, endedAt } = evaluation;
  return [
    '<details><summary>See more, or repeat it</summary>',
    '',
    `Run ${escaped(evaluation.runId)}, ${formatInstant(startedAt)}, ${formatDuration(endedAt - startedAt)}, plan ${escaped(plan.digest)}, seed ${plan.seed}.`,
    'The whole timeline is in `report.html` of the run folder, which the pipeline keeps as an artifact.',
    '',
    '```sh',
    ...repeatCommands(evaluation).map(({ command, says }) => `${command}   # ${says}`),
    '```',
    '',
    '</details>',
  ].join('\n');
}

function table(head: readonly string[], rows: readonly string[], right: readonly number[] = []): string {
  const rule = head.map((_, index) => (right.includes(index) ? '--:' : '---'));
  return [cells(...head), cells(...rule), ...rows].join('\n');
}

function cells(...texts: readonly string[]): string {
  return `| ${texts.join(' | ')} |`;
}

/**
 * Text that Markdown, HTML inside Markdown, and GitHub's own mentions and links leave alone. Newlines become spaces: every
 * place it is used in is one line.
 */
function escaped(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[\\`*_[\]|~$#!]/g, '\\$&')
    .replaceAll('://', ':\\//')
    .replace(/\bwww\./gi, '$&\u200b')
    .replaceAll('@', '@\u200b');
}
