/** What a verdict says in words; shared by all renderers so that they cannot disagree. */
import type { Evaluation, FaultWindow, GuardResult, ObjectiveResult, RecoveryBracket, Verdict } from '../src/model/evaluation.ts';
import { formatCount, formatDuration, formatError, formatMargin, formatPair, formatValue } from './format.ts';

export interface Headline {
  readonly verdict: Verdict;
  /** `Passed`, `Failed`, `Inconclusive`. */
  readonly word: string;
  /** One sentence: what that means for this run. */
  readonly sentence: string;
}

export const VERDICT_WORD: Readonly<Record<Verdict, string>> = { pass: 'Pass', fail: 'Fail', inconclusive: 'Inconclusive' };

const VERDICT_RANK: Readonly<Record<Verdict, number>> = { fail: 0, inconclusive: 1, pass: 2 };

/** Objectives with the worst first, otherwise in the plan's order. */
export function worstFirst(objectives: readonly ObjectiveResult[]): readonly ObjectiveResult[] {
  return objectives.toSorted((a, b) => VERDICT_RANK[a.verdict] - VERDICT_RANK[b.verdict]);
}

export function countByVerdict(evaluation: Evaluation): Readonly<Record<Verdict, number>> {
  const count = (verdict: Verdict) => evaluation.objectives.filter((one) => one.verdict === verdict).length;
  return { pass: count('pass'), fail: count('fail'), inconclusive: count('inconclusive') };
}

export function brokenGuards(evaluation: Evaluation): readonly GuardResult[] {
  return evaluation.guards.filter((guard) => !guard.held);
}

export function headline(evaluation: Evaluation): Headline {
  const { verdict } = evaluation;
  const count = countByVerdict(evaluation);
  const all = evaluation.objectives.length;
  const undecided = count.inconclusive > 0 ? `; ${count.inconclusive} could not be decided` : '';
  switch (verdict) {
    case 'pass': {
      const proven = evaluation.faults.filter((fault) => fault.proven).length;
      const under = proven > 0 ? `, with ${formatCount(proven, 'fault')} shown to have happened` : '';
      return {
        verdict,
        word: 'Passed',
        sentence: `The system met ${all === 1 ? 'its objective' : `all ${all} objectives`}${under}.`,
      };
    }
    case 'fail':
      return {
        verdict,
        word: 'Failed',
        sentence:
          count.fail === 0
            ? `The run is judged as failed${undecided}.`
            : `The system missed ${count.fail} of ${formatCount(all, 'objective')}${undecided}.`,
      };
    case 'inconclusive':
      return { verdict, word: 'Inconclusive', sentence: `This run proves nothing either way: ${whyInconclusive(evaluation)}.` };
  }
}

function whyInconclusive(evaluation: Evaluation): string {
  const broken = brokenGuards(evaluation);
  const undecided = countByVerdict(evaluation).inconclusive;
  const objectives = `${undecided} of ${formatCount(evaluation.objectives.length, 'objective')} could not be decided`;
  if (evaluation.objectives.length === 0) return 'it judged no objective';
  if (broken.length === 0) return objectives;
  return `${formatCount(broken.length, 'precondition')} did not hold, so ${objectives}`;
}

/** Things that must be known before any verdict is read, the loudest first. */
export interface Warning {
  readonly level: 'undo-open' | 'aborted' | 'interrupted';
  readonly title: string;
  readonly text: string;
}

export function warnings(evaluation: Evaluation): readonly Warning[] {
  const found: Warning[] = [];
  const open = evaluation.undoOpen;
  if (open.length > 0) {
    found.push({
      level: 'undo-open',
      title: `${formatCount(open.length, 'change')} to the target could not be undone`,
      text: 'The target is still altered. Undo it before anything else, whatever the verdict says.',
    });
  }
  if (evaluation.aborted !== null) {
    found.push({ level: 'aborted', title: 'The run was aborted', text: evaluation.aborted });
  }
  if (evaluation.interrupted) {
    found.push({
      level: 'interrupted',
      title: 'The run was interrupted',
      text: 'Only what was measured until then is judged.',
    });
  }
  return found;
}

/** `8.54 s ± 0.2 s`, with `>` when the run ended first. */
export function measuredText(result: ObjectiveResult): string {
  const [measured] = formatPair(result.measured, result.target, result.unit);
  if (result.measured === null) return result.censored ? 'not within the run' : 'not measured';
  const bar =
    result.errorBar === null || result.errorBar === 0 ? '' : ` ± ${formatError(result.errorBar, result.unit, result.measured)}`;
  return `${result.censored ? '> ' : ''}${measured}${bar}`;
}

export function targetText(result: ObjectiveResult): string {
  const [, target] = formatPair(result.measured, result.target, result.unit);
  return `${result.direction === 'at-most' ? '≤' : '≥'} ${target}`;
}

export function targetWords(result: ObjectiveResult): string {
  return `${result.direction === 'at-most' ? 'at most' : 'at least'} ${formatValue(result.target, result.unit)}`;
}

export function marginText(result: ObjectiveResult): string {
  return result.censored && result.margin !== null ? `≤ ${formatMargin(result.margin)}` : formatMargin(result.margin);
}

export function faultState(fault: FaultWindow): string {
  if (fault.injectedAt === null) return 'not injected';
  const proof = fault.proven ? 'shown to have happened' : 'not shown to have happened';
  return `${proof}, ${fault.reverted ? 'undone' : 'not undone'}`;
}

export function recoveryText(recovery: RecoveryBracket): string {
  if (recovery.impactAt === null && !recovery.censored && (recovery.recoveryMs ?? 0) === 0) return 'no impact seen';
  if (recovery.recoveryMs === null) return 'not recovered';
  const time = formatDuration(recovery.recoveryMs);
  if (recovery.censored) return `> ${time}`;
  const measured = `${time} ± ${formatError(recovery.errorBarMs, 'ms', recovery.recoveryMs)}`;
  return recovery.impactAt === null ? `${measured}, no probe was bad` : measured;
}

/** Share of a run that took to recover, summed up for readers of one line. */
export function worstRecovery(evaluation: Evaluation): RecoveryBracket | null {
  const rank = (one: RecoveryBracket) => (one.censored ? Number.POSITIVE_INFINITY : (one.recoveryMs ?? -1));
  const hit = evaluation.recoveries.filter((one) => one.impactAt !== null);
  return hit.toSorted((a, b) => rank(b) - rank(a))[0] ?? null;
}

export function lostWrites(evaluation: Evaluation): {
  readonly acknowledged: number;
  readonly lost: number;
  readonly duplicated: number;
} {
  const sum = (of: (one: Evaluation['dataLoss'][number]) => number) => evaluation.dataLoss.reduce((all, one) => all + of(one), 0);
  return {
    acknowledged: sum((one) => one.acknowledged),
    lost: sum((one) => one.lostKeys.length),
    duplicated: sum((one) => one.duplicatedKeys.length),
  };
}

/** Commands that repeat this judgement, or this run, exactly. */
export function repeatCommands(evaluation: Evaluation): readonly { readonly command: string; readonly says: string }[] {
  const folder = shellWord(oneLine(`runs/${evaluation.runId}`));
  const commands = [
    { command: `npx peakproof evaluate ${folder}`, says: 'judge the same facts again (no target needed)' },
    { command: `npx peakproof report ${folder}`, says: 'write these reports again' },
    {
      command: `npx peakproof run ${folder}/plan.yaml`,
      says: `run plan "${evaluation.plan.name}" again, with the same seed (${evaluation.plan.seed})`,
    },
  ];
  const lines = commands.map(({ command, says }) => ({ command: oneLine(command), says: oneLine(says) }));
  if (evaluation.undoOpen.length === 0) return lines;
  return [{ command: `npx peakproof rollback ${folder}`, says: 'undo what is still open, first' }, ...lines];
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}

function shellWord(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
