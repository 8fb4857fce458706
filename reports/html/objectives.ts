/** Every objective with what was measured, its target and its margin; and the guards they rest on. */
import type { ComponentChildren, VNode } from 'preact';
import type { Evaluation, ObjectiveResult } from '../../src/model/evaluation.ts';
import { formatCount, formatValue } from '../format.ts';
import { marginText, measuredText, targetText, worstFirst } from '../wording.ts';
import { h } from './element.ts';
import { section, verdictChip } from './parts.ts';
import { anchor } from './verdict.ts';

const KIND_WORDS: Readonly<Record<ObjectiveResult['kind'], string>> = {
  slo: 'service level',
  attainment: 'attainment',
  recovery: 'recovery time',
  'data-loss': 'data loss',
  invariant: 'invariant',
  autoscaling: 'autoscaling',
};

export function objectivesSection(evaluation: Evaluation): VNode {
  const heads = ['Verdict', 'Objective', 'Measured', 'Target', 'Margin'];
  const numeric = (title: string) => (title === 'Measured' || title === 'Target' || title === 'Margin' ? 'num' : undefined);
  return section(
    'objectives',
    'Objectives',
    'Worst first. The margin is the distance to the target as a share of it; ± is the error of the measurement.',
    h(
      'div',
      { class: 'table-box', tabindex: 0, role: 'region', 'aria-label': 'Objectives' },
      h(
        'table',
        { class: 'objectives' },
        h('thead', null, h('tr', null, ...heads.map((title) => h('th', { scope: 'col', class: numeric(title) }, title)))),
        ...worstFirst(evaluation.objectives).map((one) => objectiveRows(evaluation, one)),
      ),
    ),
  );
}

function objectiveRows(evaluation: Evaluation, one: ObjectiveResult): VNode {
  return h(
    'tbody',
    { id: anchor(evaluation, one), class: one.verdict },
    h(
      'tr',
      null,
      h('td', { rowspan: 2 }, verdictChip(one.verdict)),
      h('th', { scope: 'row' }, one.id, h('span', { class: 'muted' }, `${KIND_WORDS[one.kind]} · ${one.service}`)),
      h('td', { class: 'num strong', 'data-label': 'measured' }, measuredText(one)),
      h('td', { class: 'num', 'data-label': 'target' }, targetText(one)),
      h('td', { class: 'num', 'data-label': 'margin' }, marginBar(one), h('span', { class: 'margin-text' }, marginText(one))),
    ),
    h('tr', { class: 'why' }, h('td', { colspan: 4 }, h('p', null, one.reason), evidence(one))),
  );
}

/** A bar to the left of its middle for a miss, to the right for room left; cut at 100 %. */
function marginBar({ margin, verdict }: ObjectiveResult): VNode | null {
  if (margin === null) return null;
  const width = Math.min(1, Math.abs(margin)) * 30;
  return h(
    'svg',
    { class: `margin-bar ${verdict}`, viewBox: '0 0 64 10', width: 64, height: 10, 'aria-hidden': 'true' },
    h('rect', { class: 'bar', x: margin < 0 ? 32 - width : 32, y: 2, width, height: 6 }),
    h('path', { class: 'axis', d: 'M32 0v10' }),
  );
}

function evidence(one: ObjectiveResult): VNode | null {
  const rows: ComponentChildren[] = [
    ...one.evidence.map(({ text, file }) => h('li', null, text, file === undefined ? null : h('code', null, file))),
    ...one.details.map(({ name, value, unit, target }) =>
      h(
        'li',
        null,
        `${name}: `,
        h('strong', null, typeof value === 'string' ? value : formatValue(value, unit ?? '')),
        target === undefined ? '' : ` (target ${formatValue(target, unit ?? '')})`,
      ),
    ),
    ...(one.source === undefined ? [] : [h('li', null, 'The target comes from: ', one.source)]),
  ];
  if (rows.length === 0) return null;
  return h('details', null, h('summary', null, `Evidence (${formatCount(rows.length, 'item')})`), h('ul', null, ...rows));
}

export function guardsSection({ guards }: Evaluation): VNode {
  return section(
    'guards',
    'Preconditions',
    'What had to hold for the run to say anything: the load arrived, the baseline was sound, the faults happened.',
    guards.length === 0
      ? h('p', { class: 'muted' }, 'None was checked.')
      : h(
          'ul',
          { class: 'guards' },
          ...guards.map((guard) =>
            h(
              'li',
              null,
              verdictChip(guard.held ? 'pass' : 'inconclusive'),
              h(
                'div',
                null,
                h('strong', null, guard.id),
                h('span', null, guard.reason),
                guard.held ? null : h('span', { class: 'muted' }, scopeOf(guard.objectives)),
              ),
            ),
          ),
        ),
  );
}

function scopeOf(objectives: readonly string[]): string {
  return `makes inconclusive: ${objectives.length === 0 ? 'every objective' : objectives.join(', ')}`;
}
