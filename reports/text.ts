/** The verdict on a console. */
import picocolors from 'picocolors';
import type { Evaluation, ObjectiveResult, Verdict } from '../src/model/evaluation.ts';
import { formatCount, formatSince } from './format.ts';
import { sanitiseEvaluation } from './sanitise.ts';
import { adviceDeed, gapsOf, gapWords, stagesLine } from './scaling-words.ts';
import {
  brokenGuards,
  faultState,
  headline,
  lostWrites,
  marginText,
  measuredText,
  recoveryText,
  repeatCommands,
  targetText,
  VERDICT_WORD,
  warnings,
  worstFirst,
} from './wording.ts';

const SYMBOL: Readonly<Record<Verdict, string>> = { pass: '✓', fail: '✗', inconclusive: '?' };
const KEYS_SHOWN = 5;

type Paint = ReturnType<typeof picocolors.createColors>;

/** `color`: whether ANSI colours may be used; the caller knows the terminal and NO_COLOR. */
export function renderText(input: Evaluation, { color = false }: { readonly color?: boolean } = {}): string {
  const evaluation = sanitiseEvaluation(input);
  const paint = picocolors.createColors(color);
  const sections = [
    ...warnings(evaluation).map(({ level, title, text }) => {
      const open = level === 'undo-open' ? evaluation.undoOpen.map((one) => `   ${one.fault}: ${one.action}`) : [];
      const loud = level === 'undo-open' ? (line: string) => paint.bold(paint.inverse(paint.red(line))) : paint.yellow;
      return [loud(` ! ${title.toUpperCase()} `), `   ${text}`, ...open];
    }),
    verdictLines(evaluation, paint),
    objectiveLines(evaluation.objectives, paint),
    brokenGuards(evaluation).map((one) => `${paint.yellow('?')} precondition ${one.id} did not hold: ${one.reason}`),
    faultLines(evaluation),
    lossLines(evaluation),
    scalingLines(evaluation),
    repeatCommands(evaluation).map(({ command, says }) => `  ${command}${paint.dim(`   # ${says}`)}`),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => line.trimEnd()).join('\n'))
    .join('\n\n')}\n`;
}

function verdictLines(evaluation: Evaluation, paint: Paint): readonly string[] {
  const { verdict, word, sentence } = headline(evaluation);
  return [
    `${paint.bold(paintVerdict(verdict, paint)(`${SYMBOL[verdict]} ${word.toUpperCase()}`))}  ${oneLine(evaluation.plan.name)}`,
    `  ${sentence}`,
  ];
}

function objectiveLines(objectives: readonly ObjectiveResult[], paint: Paint): readonly string[] {
  const rows = worstFirst(objectives).map((one) => ({
    one,
    columns: [VERDICT_WORD[one.verdict].toLowerCase(), oneLine(one.id), measuredText(one), targetText(one), marginText(one)],
  }));
  const widths = [0, 1, 2, 3, 4].map((index) => Math.min(44, Math.max(0, ...rows.map((row) => row.columns[index]?.length ?? 0))));
  return rows.flatMap(({ one, columns }) => {
    const padded = columns.map((text, index) => text.padEnd(widths[index] ?? 0)).join('  ');
    const line = `${SYMBOL[one.verdict]} ${padded}`.trimEnd();
    const painted = paintVerdict(one.verdict, paint)(line);
    return one.verdict === 'pass' ? [painted] : [painted, `  ${paint.dim(oneLine(one.reason))}`];
  });
}

function faultLines(evaluation: Evaluation): readonly string[] {
  return evaluation.faults.flatMap((fault) => {
    const when = fault.injectedAt === null ? '' : ` at ${formatSince(fault.injectedAt, evaluation.startedAt)}`;
    const recoveries = evaluation.recoveries.filter((one) => one.fault === fault.fault);
    return [
      oneLine(`fault ${fault.fault} (${fault.kind})${when}: ${faultState(fault)}`),
      ...recoveries.map((one) => `  ${one.service}: ${recoveryText(one)}`),
    ];
  });
}

function lossLines(evaluation: Evaluation): readonly string[] {
  const { acknowledged, lost, duplicated } = lostWrites(evaluation);
  if (evaluation.dataLoss.length === 0) return [];
  const keys = evaluation.dataLoss.flatMap((one) => one.lostKeys.map((key) => oneLine(key.key)));
  const shown = keys.slice(0, KEYS_SHOWN).join(', ');
  const rest = keys.length > KEYS_SHOWN ? ` and ${keys.length - KEYS_SHOWN} more` : '';
  return [
    `writes: ${formatCount(acknowledged, 'acknowledged', 'acknowledged')}, ${lost} lost, ${duplicated} duplicated`,
    ...(keys.length === 0 ? [] : [`  lost: ${shown}${rest}`]),
  ];
}

function scalingLines(evaluation: Evaluation): readonly string[] {
  const { autoscaling = [], rightsizing } = evaluation;
  const changes = (rightsizing?.advice ?? []).filter(({ current, advised }) => advised !== null && advised !== current);
  return [
    ...autoscaling.map((one) => oneLine(`scale-up (${one.objective}): ${stagesLine(one)}`)),
    ...(changes.length === 0
      ? []
      : [oneLine(`advice: ${changes.map((one) => `${one.setting} ${adviceDeed(one)}`).join(', ')} (report.html says why)`)]),
    ...gapsOf(evaluation).map((gap) => oneLine(`${formatSince(gap.fromAt, evaluation.startedAt)} ${gapWords(gap)}`)),
  ];
}

function paintVerdict(verdict: Verdict, paint: Paint): (text: string) => string {
  return { pass: paint.green, fail: paint.red, inconclusive: paint.yellow }[verdict];
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}
