/** The one time axis: lanes, then a chart for each panel, then the same numbers as tables. */
import type { VNode } from 'preact';
import type { Evaluation } from '../../src/model/evaluation.ts';
import { formatDuration, formatInstant, formatSince, formatValue } from '../format.ts';
import { h } from './element.ts';
import { axisOf, faultEnd, faultTag, lanes } from './lanes.ts';
import { type Panel, panelsOf } from './panels.ts';
import { section, table } from './parts.ts';

const TABLE_ROWS = 60;

export function timelineSection(evaluation: Evaluation): VNode {
  const panels = panelsOf(evaluation);
  const axis = axisOf(evaluation);
  return section(
    'timeline',
    'Timeline',
    `One axis for all, in minutes and seconds since ${formatInstant(axis.startAt)}; one point each ${formatDuration(evaluation.timeline.stepMs)}.`,
    h(
      'noscript',
      null,
      h(
        'p',
        { class: 'note' },
        'The charts need JavaScript, which is off. The lanes and the tables below them hold the same figures.',
      ),
    ),
    toolbar(evaluation),
    h('div', { class: 'axis-stack', id: 'axis-stack' }, lanes(evaluation), legend(evaluation), ...panels.map(figure)),
    h('p', { id: 'readout', class: 'hidden', role: 'status', 'aria-live': 'polite' }),
    dataTables(evaluation, panels),
  );
}

function toolbar(evaluation: Evaluation): VNode {
  const zooms = evaluation.faults
    .filter((fault) => fault.injectedAt !== null)
    .map((fault) =>
      h(
        'button',
        { type: 'button', 'data-zoom': fault.fault, title: `Zoom to ${fault.fault}` },
        `${faultTag(evaluation, fault.fault)} ${fault.fault}`,
      ),
    );
  return h(
    'div',
    { class: 'toolbar', hidden: true, id: 'toolbar', role: 'group', 'aria-label': 'Zoom' },
    h('span', { class: 'muted' }, 'Zoom:'),
    h('button', { type: 'button', 'data-zoom': '', 'aria-pressed': 'true' }, 'whole run'),
    ...zooms,
    h('output', { id: 'clock', class: 'num' }),
    h(
      'span',
      { class: 'muted hint' },
      'Drag in a chart to zoom. Keys in a chart: ← → move, shift ×10, Home End, + − zoom, Esc whole run.',
    ),
  );
}

function legend(evaluation: Evaluation): VNode {
  const mark = (className: string, path: string, words: string) =>
    h(
      'li',
      null,
      h('svg', { class: className, viewBox: '0 0 22 14', width: 22, height: 14, 'aria-hidden': 'true' }, h('path', { d: path })),
      words,
    );
  return h(
    'ul',
    { class: 'legend', 'aria-label': 'Legend' },
    evaluation.faults.length === 0 ? null : mark('key-fault', 'M1 2h20v10H1z', 'fault in force'),
    evaluation.recoveries.length === 0
      ? null
      : [
          mark('key-impact', 'M7 3h8l-4 7z', 'first bad probe'),
          mark('key-first-ok', 'M11 3.5a3.5 3.5 0 1 0 .01 0z', 'first good probe'),
          mark('key-bracket', 'M2 2v10M2 7h18M20 2v10', 'fault to recovered'),
        ],
    evaluation.loadSteps === undefined ? null : mark('key-step', 'M3 11h8V3h8', 'load step'),
    evaluation.gaps === undefined || evaluation.gaps.length === 0
      ? null
      : mark('key-not-seen', 'M1 12l6-10M8 12l6-10M15 12l6-10', 'not seen by the observers'),
    mark('key-gap', 'M1 7h7M14 7h7', 'a gap: nothing was seen'),
  );
}

function figure(panel: Panel): VNode {
  return h(
    'figure',
    { class: 'panel', id: `panel-${panel.id}` },
    h(
      'figcaption',
      null,
      h(
        'span',
        { class: 'panel-title' },
        panel.title,
        panel.scale === 'log' ? h('span', { class: 'muted' }, ' log scale') : null,
      ),
      h(
        'span',
        { class: 'keys' },
        ...panel.series.map((one, index) =>
          h(
            'button',
            {
              type: 'button',
              class: `key s${index % 8}`,
              'data-series': index,
              'aria-pressed': 'true',
              title: `Show or hide ${one.name}`,
            },
            h('svg', { viewBox: '0 0 18 8', width: 18, height: 8, 'aria-hidden': 'true' }, h('path', { d: 'M1 4h16' })),
            one.name,
            ' ',
            h('output', { class: 'num' }),
          ),
        ),
      ),
    ),
    h('div', {
      class: 'plot',
      'data-panel': panel.id,
      tabindex: 0,
      role: 'group',
      'aria-roledescription': 'chart',
      'aria-label': `${panel.title}: ${panel.series.map((one) => one.name).join(', ')}. Arrow keys read values out.`,
      'aria-describedby': 'toolbar',
    }),
  );
}

/** The same figures for readers without the charts; thinned, and it says so. */
function dataTables(evaluation: Evaluation, panels: readonly Panel[]): VNode | null {
  const { timeline, startedAt } = evaluation;
  if (timeline.points === 0 || panels.length === 0) return null;
  const every = Math.max(1, Math.ceil(timeline.points / TABLE_ROWS));
  const indices = Array.from({ length: Math.ceil(timeline.points / every) }, (_, row) => row * every);
  const at = (index: number) => formatSince(timeline.startAt + index * timeline.stepMs, startedAt);
  const thinned = every > 1 ? `every ${every}th point; all are in evaluation.json` : 'every point';
  return h(
    'details',
    { class: 'data-tables' },
    h('summary', null, `The charts as tables (${thinned})`),
    ...panels.map((panel) =>
      h(
        'div',
        null,
        h('h3', null, panel.title),
        table(
          `${panel.title} over time`,
          [{ title: 'Time', numeric: true }, ...panel.series.map((one) => ({ title: one.name, numeric: true }))],
          indices.map((index) => [at(index), ...panel.series.map((one) => formatValue(one.values[index], panel.unit))]),
          'compact',
        ),
      ),
    ),
  );
}

/** What the page's script draws from; the shape is `PageData` in page/timeline.js. */
export function pageData(evaluation: Evaluation): unknown {
  const axis = axisOf(evaluation);
  const seconds = (at: number) => Math.round(at - axis.startAt) / 1000;
  const { timeline } = evaluation;
  return {
    startAt: axis.startAt,
    stepSeconds: timeline.stepMs / 1000,
    points: timeline.points,
    panels: panelsOf(evaluation).map(({ id, title, unit, scale, stepped, series }) => ({
      id,
      title,
      unit,
      scale,
      stepped,
      series: series.map(({ name, values }) => ({ name, values: values.slice(0, timeline.points).map(compact) })),
    })),
    phases: evaluation.phases.map(({ phase, startAt, endAt }) => ({ phase, from: seconds(startAt), to: seconds(endAt) })),
    faults: evaluation.faults.flatMap((fault) =>
      fault.injectedAt === null
        ? []
        : [
            {
              fault: fault.fault,
              tag: faultTag(evaluation, fault.fault),
              from: seconds(fault.injectedAt),
              to: seconds(faultEnd(evaluation, fault)),
              zoomTo: seconds(zoomEnd(evaluation, fault.fault, faultEnd(evaluation, fault))),
              proven: fault.proven,
            },
          ],
    ),
    loadSteps: (evaluation.loadSteps ?? []).map((step) => seconds(step.at)),
  };
}

/** The view of a fault reaches to its last recovery. */
function zoomEnd(evaluation: Evaluation, fault: string, end: number): number {
  const recovered = evaluation.recoveries.filter((one) => one.fault === fault).map((one) => one.recoveredAt ?? end);
  return Math.max(end, ...recovered);
}

/** Six significant digits are more than a chart can show. */
function compact(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(6));
}
