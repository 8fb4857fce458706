/** Small pieces that several sections of the page share. */
import type { ComponentChildren, VNode } from 'preact';
import type { Verdict } from '../../src/model/evaluation.ts';
import { formatInstant, formatSince } from '../format.ts';
import { VERDICT_WORD } from '../wording.ts';
import { h } from './element.ts';
import { icon } from './icons.ts';

export function section(id: string, title: string, lead: string | null, ...children: ComponentChildren[]): VNode {
  return h(
    'section',
    { id, 'aria-labelledby': `${id}-title` },
    h('h2', { id: `${id}-title` }, title),
    lead === null ? null : h('p', { class: 'lead' }, lead),
    ...children,
  );
}

export function verdictChip(verdict: Verdict): VNode {
  return h('span', { class: `chip ${verdict}` }, icon(verdict), h('span', null, VERDICT_WORD[verdict]));
}

/** Seconds since the start, the UTC instant as its tooltip and for machines. */
export function moment(at: number | null, startedAt: number, none = '–'): VNode {
  if (at === null) return h('span', { class: 'muted' }, none);
  return h('time', { datetime: isoOf(at), title: formatInstant(at), class: 'num' }, formatSince(at, startedAt));
}

function isoOf(at: number): string {
  return formatInstant(at).replace(' UTC', 'Z').replace(' ', 'T');
}

export interface Column {
  readonly title: string;
  /** Right-aligned, tabular figures. */
  readonly numeric?: boolean;
}

/** A table that scrolls inside its own box on narrow screens; the first cell of a row is its header. */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly ComponentChildren[])[],
  className = '',
): VNode {
  const cellClass = (index: number) => (columns[index]?.numeric === true ? 'num' : undefined);
  return h(
    'div',
    { class: 'table-box', tabindex: 0, role: 'region', 'aria-label': caption },
    h(
      'table',
      { class: className },
      h('caption', { class: 'hidden' }, caption),
      h(
        'thead',
        null,
        h('tr', null, ...columns.map((one, index) => h('th', { scope: 'col', class: cellClass(index) }, one.title))),
      ),
      h(
        'tbody',
        null,
        ...rows.map((row) =>
          h(
            'tr',
            null,
            ...row.map((cell, index) =>
              h(index === 0 ? 'th' : 'td', { scope: index === 0 ? 'row' : undefined, class: cellClass(index) }, cell),
            ),
          ),
        ),
      ),
    ),
  );
}

/** Name and value pairs. */
export function definitions(pairs: readonly (readonly [string, ComponentChildren])[]): VNode {
  return h('dl', { class: 'pairs' }, ...pairs.map(([name, value]) => h('div', null, h('dt', null, name), h('dd', null, value))));
}
