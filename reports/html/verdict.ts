/** The top of the page: warnings louder than the verdict, the verdict in words, what it rests on, the key figures. */
import type { VNode } from 'preact';
import type { Evaluation, ObjectiveResult } from '../../src/model/evaluation.ts';
import { formatCount, formatDuration, formatInstant, formatNumber, formatValue } from '../format.ts';
import {
  brokenGuards,
  headline,
  lostWrites,
  measuredText,
  recoveryText,
  repeatCommands,
  targetText,
  type Warning,
  warnings,
  worstRecovery,
} from '../wording.ts';
import { h } from './element.ts';
import { icon } from './icons.ts';

const REASONS_SHOWN = 6;

export function masthead(evaluation: Evaluation): VNode {
  const { plan, startedAt, endedAt, runId } = evaluation;
  return h(
    'header',
    { class: 'masthead' },
    h('p', { class: 'brand' }, 'Peakproof ', h('span', null, 'peak-day resilience report')),
    h('h1', null, plan.name),
    plan.description === '' ? null : h('p', { class: 'lead' }, plan.description),
    h(
      'p',
      { class: 'facts' },
      h('span', null, 'Run ', h('code', null, runId)),
      h('span', null, formatInstant(startedAt)),
      h('span', null, `lasted ${formatDuration(endedAt - startedAt)}`),
      h('span', null, `Odoo ${evaluation.environment.target.version} at ${evaluation.environment.target.url}`),
    ),
  );
}

export function warningBanners(evaluation: Evaluation): readonly VNode[] {
  return warnings(evaluation).map((warning) => banner(evaluation, warning));
}

function banner(evaluation: Evaluation, { level, title, text }: Warning): VNode {
  const open =
    level === 'undo-open'
      ? [
          h(
            'ul',
            null,
            ...evaluation.undoOpen.map((one) =>
              h('li', null, h('strong', null, one.fault), ': ', one.action, ' ', h('code', null, one.id)),
            ),
          ),
          h('pre', null, h('code', null, repeatCommands(evaluation)[0]?.command)),
        ]
      : [];
  return h(
    'div',
    { class: `banner ${level}`, role: 'alert' },
    icon('warning'),
    h('div', null, h('h2', null, title), h('p', null, text), ...open),
  );
}

export function verdictBlock(evaluation: Evaluation): VNode {
  const { verdict, word, sentence } = headline(evaluation);
  return h(
    'section',
    { id: 'verdict', class: `verdict ${verdict}`, 'aria-label': 'Verdict' },
    h('div', { class: 'verdict-word' }, icon(verdict), h('strong', null, word)),
    h('p', { class: 'verdict-sentence' }, sentence),
    h('div', { class: 'verdict-reasons' }, ...reasons(evaluation)),
    h('div', { class: 'tiles' }, ...tiles(evaluation)),
  );
}

function reasons(evaluation: Evaluation): readonly (VNode | null)[] {
  const of = (verdict: ObjectiveResult['verdict']) => evaluation.objectives.filter((one) => one.verdict === verdict);
  const objectiveLine = (one: ObjectiveResult) =>
    h('li', null, h('a', { href: `#${anchor(evaluation, one)}` }, one.id), ' ', one.reason);
  const undecided = [
    ...brokenGuards(evaluation).map((guard) => h('li', null, h('a', { href: '#guards' }, guard.id), ' ', guard.reason)),
    ...of('inconclusive').map(objectiveLine),
  ];
  return [
    reasonList('What failed', 'fail', of('fail').map(objectiveLine)),
    reasonList('What could not be shown', 'inconclusive', undecided),
    reasonList('What was proven', 'pass', of('pass').map(objectiveLine)),
  ];
}

function reasonList(title: string, verdict: 'pass' | 'fail' | 'inconclusive', items: readonly VNode[]): VNode | null {
  if (items.length === 0) return null;
  const more = items.length - REASONS_SHOWN;
  const rest = more > 0 ? h('li', { class: 'muted' }, `and ${more} more, below`) : null;
  return h('div', null, h('h3', null, icon(verdict), title), h('ul', null, ...items.slice(0, REASONS_SHOWN), rest));
}

/** Id of an objective's row: by its place, because an id may hold anything. */
export function anchor(evaluation: Evaluation, result: ObjectiveResult): string {
  return `objective-${evaluation.objectives.indexOf(result) + 1}`;
}

interface Tile {
  readonly label: string;
  readonly value: string;
  readonly note: string;
}

function tiles(evaluation: Evaluation): readonly VNode[] {
  return [
    ...attainmentTiles(evaluation),
    ...recoveryTile(evaluation),
    ...lossTile(evaluation),
    ...replicasTile(evaluation),
    loadTile(evaluation),
  ].map(({ label, value, note }) =>
    h(
      'div',
      { class: 'tile' },
      h('span', { class: 'tile-label' }, label),
      h('span', { class: 'tile-value' }, value),
      h('span', { class: 'tile-note' }, note),
    ),
  );
}

function attainmentTiles({ objectives }: Evaluation): readonly Tile[] {
  const found =
    objectives.find((one) => one.kind === 'attainment' && one.verdict !== 'pass') ??
    objectives.find((one) => one.kind === 'attainment');
  if (found === undefined) return [];
  return [
    {
      label: 'Attainment',
      value: measuredText(found),
      note: `${found.id}, target ${targetText(found).replaceAll(' ', '\u00a0')}`,
    },
  ];
}

function recoveryTile(evaluation: Evaluation): readonly Tile[] {
  const worst = worstRecovery(evaluation);
  if (worst === null) return [];
  return [{ label: 'Longest recovery', value: recoveryText(worst), note: `${worst.service} after ${worst.fault}` }];
}

function lossTile(evaluation: Evaluation): readonly Tile[] {
  if (evaluation.dataLoss.length === 0) return [];
  const { acknowledged, lost, duplicated } = lostWrites(evaluation);
  const note = `of ${formatCount(acknowledged, 'acknowledged', 'acknowledged')}; ${duplicated} duplicated`;
  return [{ label: 'Lost writes', value: formatNumber(lost), note }];
}

function replicasTile({ timeline }: Evaluation): readonly Tile[] {
  const counts = timeline.series
    .filter((one) => one.panel === 'replicas')
    .flatMap((one) => one.values.filter((value) => value !== null));
  if (counts.length === 0) return [];
  const most = counts.reduce((a, b) => Math.max(a, b));
  const least = counts.reduce((a, b) => Math.min(a, b));
  return [{ label: 'Replicas', value: `${formatNumber(least)} – ${formatNumber(most)}`, note: 'fewest and most during the run' }];
}

function loadTile({ scenarios }: Evaluation): Tile {
  const figures = scenarios.flatMap((one) => one.phases);
  const scheduled = figures.reduce((sum, one) => sum + one.scheduled, 0);
  const ok = figures.reduce((sum, one) => sum + one.ok, 0);
  const share = scheduled === 0 ? '–' : formatValue(ok / scheduled, 'ratio');
  return { label: 'Load', value: formatNumber(scheduled), note: `journeys scheduled, ${share} answered correctly` };
}
