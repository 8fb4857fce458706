/**
 * The strip above the panels: phases, faults and recovery brackets on the axis of the charts. It is SVG with its positions in
 * percent of the axis, so that it is readable without a script and on paper; the script moves it along when one zooms
 * (elements carry their instants in `data-from` / `data-to`, in seconds since the axis starts).
 */
import type { VNode } from 'preact';
import type { Evaluation, FaultWindow, ObservationGap, RecoveryBracket } from '../../src/model/evaluation.ts';
import { formatDuration, formatNumber, formatSince } from '../format.ts';
import { gapsOf } from '../scaling-words.ts';
import { recoveryText } from '../wording.ts';
import { h } from './element.ts';

const ROW = 24;
const RECOVERY_ROW = 30;

/** `F1`, `F2` ... in the order of the plan: short names of the faults on the page. */
export function faultTag(evaluation: Evaluation, fault: string): string {
  return `F${evaluation.faults.findIndex((one) => one.fault === fault) + 1}`;
}

/** Where a fault's shading ends: when it ended by itself, else when it was reverted, else with the run. */
export function faultEnd(evaluation: Evaluation, fault: FaultWindow): number {
  return fault.endedAt ?? fault.revertedAt ?? evaluation.endedAt;
}

export interface Axis {
  readonly startAt: number;
  readonly endAt: number;
}

/** The charts' axis: from the first to the last point of the timeline, or the run when there is none. */
export function axisOf({ timeline, startedAt, endedAt }: Evaluation): Axis {
  if (timeline.points < 2) return { startAt: startedAt, endAt: Math.max(endedAt, startedAt + 1) };
  return { startAt: timeline.startAt, endAt: timeline.startAt + (timeline.points - 1) * timeline.stepMs };
}

export function lanes(evaluation: Evaluation): VNode {
  const axis = axisOf(evaluation);
  const services = [...new Set(evaluation.recoveries.map((one) => one.service))];
  const rows = [
    lane(
      'Phases',
      'phases',
      evaluation.phases.map((one, index) => phaseBand(axis, one, index)),
    ),
    ...packLanes(
      evaluation.faults.filter((fault) => fault.injectedAt !== null),
      (fault) => [fault.injectedAt ?? 0, faultEnd(evaluation, fault)],
      minimumSpan(axis),
    ).map((row, index) =>
      lane(
        index === 0 ? 'Faults' : '',
        'faults',
        row.map((fault) => faultBar(evaluation, axis, fault)),
      ),
    ),
    ...(evaluation.loadSteps === undefined || evaluation.loadSteps.length === 0
      ? []
      : [
          lane(
            'Load steps',
            'steps',
            evaluation.loadSteps.map((step) => loadStep(axis, step)),
          ),
        ]),
    ...services.flatMap((service) =>
      packLanes(
        evaluation.recoveries.filter((one) => one.service === service && one.impactAt !== null),
        (one) => [one.injectedAt, one.recoveredAt ?? watchedUntil(evaluation, one)],
        minimumSpan(axis),
      ).map((row, index) =>
        lane(
          index === 0 ? `Recovery: ${service}` : '',
          'recovery',
          row.map((one) => bracket(evaluation, axis, one)),
        ),
      ),
    ),
  ];
  return h('div', { class: 'lanes' }, ...rows, ...gapLanes(evaluation, axis));
}

/** Hatched where a source could not be seen; sources that failed together share a band. */
function gapLanes(evaluation: Evaluation, axis: Axis): readonly VNode[] {
  const shown = joinGaps(gapsOf(evaluation)).filter(({ fromAt, toAt }) => toAt > axis.startAt && fromAt < axis.endAt);
  return packLanes(shown, ({ fromAt, toAt }) => [fromAt, toAt], minimumSpan(axis)).map((row, index) =>
    lane(
      index === 0 ? 'Not seen' : '',
      'gaps',
      row.map(({ sources, fromAt, toAt, reason }) =>
        h(
          'g',
          null,
          h('rect', { ...box(axis, fromAt, toAt), y: 3, height: ROW - 6, class: 'gap' }),
          atInstant(
            axis,
            Math.max(fromAt, axis.startAt),
            h('text', { class: 'lane-text halo', x: 4, y: 16 }, sources.join(', ')),
          ),
          h('title', null, `${sources.join(', ')} not seen for ${formatDuration(toAt - fromAt)}: ${reason}`),
        ),
      ),
    ),
  );
}

/** Looks at one API fail within a second or two of each other. */
const TOGETHER_MS = 3_000;

interface JoinedGap {
  readonly sources: readonly string[];
  readonly fromAt: number;
  readonly toAt: number;
  readonly reason: string;
}

export function joinGaps(gaps: readonly ObservationGap[]): readonly JoinedGap[] {
  const joined: JoinedGap[] = [];
  for (const { source, fromAt, toAt, reason } of gaps.toSorted((a, b) => a.fromAt - b.fromAt)) {
    const index = joined.findIndex(
      (one) =>
        Math.abs(one.fromAt - fromAt) <= TOGETHER_MS && Math.abs(one.toAt - toAt) <= TOGETHER_MS && !one.sources.includes(source),
    );
    const one = joined[index];
    if (one === undefined) joined.push({ sources: [source], fromAt, toAt, reason });
    else joined[index] = { ...one, sources: [...one.sources, source], toAt: Math.max(one.toAt, toAt) };
  }
  return joined;
}

/** Room that a bar's label needs, as time: a narrow bar still claims its label's width. */
function minimumSpan(axis: Axis): number {
  return (axis.endAt - axis.startAt) * 0.16;
}

/** Puts items that overlap in time into further rows, first fit. */
export function packLanes<T>(
  items: readonly T[],
  spanOf: (item: T) => readonly [number, number],
  minimum: number,
): readonly (readonly T[])[] {
  const rows: { until: number; items: T[] }[] = [];
  for (const item of items.toSorted((a, b) => spanOf(a)[0] - spanOf(b)[0])) {
    const [from, to] = spanOf(item);
    const until = Math.max(to, from + minimum);
    const row = rows.find((one) => one.until <= from);
    if (row === undefined) rows.push({ until, items: [item] });
    else {
      row.items.push(item);
      row.until = until;
    }
  }
  return rows.map((row) => row.items);
}

function lane(title: string, className: string, marks: readonly VNode[]): VNode {
  return h(
    'div',
    { class: `lane ${className}` },
    h('span', { class: 'lane-title' }, title),
    h(
      'svg',
      { class: 'lane-plot', height: className === 'recovery' ? RECOVERY_ROW : ROW, width: '100%', role: 'presentation' },
      ...(className === 'gaps' ? [hatching()] : []),
      ...marks,
    ),
  );
}

function hatching(): VNode {
  return h(
    'defs',
    null,
    h(
      'pattern',
      { id: 'hatching', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
      h('path', { d: 'M0 0v6' }),
    ),
  );
}

interface Box {
  readonly x: string;
  readonly width: string;
  readonly 'data-from': number;
  readonly 'data-to': number;
}

function box(axis: Axis, from: number, to: number): Box {
  const share = (at: number) => Math.min(1, Math.max(0, (at - axis.startAt) / (axis.endAt - axis.startAt)));
  return {
    x: percent(share(from)),
    width: percent(share(to) - share(from)),
    'data-from': seconds(axis, from),
    'data-to': seconds(axis, to),
  };
}

/** A group moved to an instant: a nested svg, because a percentage cannot stand in a transform. */
function atInstant(axis: Axis, at: number, ...children: VNode[]): VNode {
  const { x } = box(axis, at, at);
  return h('svg', { x, overflow: 'visible', 'data-from': seconds(axis, at) }, ...children);
}

function seconds(axis: Axis, at: number): number {
  return Math.round(at - axis.startAt) / 1000;
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(3))}%`;
}

function phaseBand(axis: Axis, { phase, startAt, endAt }: Evaluation['phases'][number], index: number): VNode {
  return h(
    'svg',
    { ...box(axis, startAt, endAt), height: ROW },
    h('rect', { class: `phase ${index % 2 === 0 ? 'even' : 'odd'}`, width: '100%', height: ROW - 4, y: 2 }),
    h('text', { class: 'lane-text', x: 5, y: 16 }, phase),
    h('title', null, `${phase}, ${formatDuration(endAt - startAt)}`),
  );
}

function faultBar(evaluation: Evaluation, axis: Axis, fault: FaultWindow): VNode {
  const from = fault.injectedAt ?? axis.startAt;
  const to = faultEnd(evaluation, fault);
  const tag = faultTag(evaluation, fault.fault);
  const words = `${tag} ${fault.fault}${fault.proven ? '' : ' (not proven)'}`;
  return h(
    'g',
    null,
    h('rect', { ...box(axis, from, to), y: 3, height: ROW - 6, class: fault.proven ? 'fault' : 'fault unproven' }),
    atInstant(
      axis,
      from,
      h('path', { class: 'fault-edge', d: `M0 1v${ROW - 2}` }),
      h('text', { class: 'lane-text halo', x: 4, y: 16 }, words),
    ),
    h(
      'title',
      null,
      `${words}: ${fault.kind} on ${fault.target}, ${formatSince(from, evaluation.startedAt)} to ${formatSince(to, evaluation.startedAt)}`,
    ),
  );
}

function loadStep(axis: Axis, step: NonNullable<Evaluation['loadSteps']>[number]): VNode {
  const words = `${step.scenario} ${formatNumber(step.fromPerSecond)} → ${formatNumber(step.toPerSecond)} per second`;
  return h(
    'g',
    null,
    atInstant(
      axis,
      step.at,
      h('path', { class: 'load-step', d: 'M-5 19H0V6h5' }),
      h('text', { class: 'lane-text halo', x: 9, y: 16 }, words),
    ),
    h('title', null, words),
  );
}

/** A recovery can be told from the next fault's effects only until that fault; after the last one, until the run ends. */
function watchedUntil(evaluation: Evaluation, one: RecoveryBracket): number {
  if (one.recoveryMs !== null) return one.injectedAt + one.recoveryMs;
  const later = evaluation.faults.flatMap(({ injectedAt }) =>
    injectedAt !== null && injectedAt > one.injectedAt ? [injectedAt] : [],
  );
  return Math.min(evaluation.endedAt, ...later);
}

/** injected |···impact ▾───○ first good ───| recovered; an arrow when it was not within what could be watched. */
function bracket(evaluation: Evaluation, axis: Axis, one: RecoveryBracket): VNode {
  const end = Math.min(axis.endAt, one.recoveredAt ?? watchedUntil(evaluation, one));
  const impact = one.impactAt ?? one.injectedAt;
  const state = one.recoveredAt === null ? 'open' : 'closed';
  const words = `${faultTag(evaluation, one.fault)}: ${recoveryText(one)}`;
  const line = (from: number, to: number, className: string) =>
    h('rect', { ...box(axis, from, to), y: 8, height: 2, class: className });
  return h(
    'g',
    { class: `bracket ${state}` },
    line(one.injectedAt, impact, 'waiting'),
    line(impact, end, 'down'),
    atInstant(axis, one.injectedAt, h('path', { class: 'cap', d: 'M0 3v12' })),
    atInstant(axis, impact, h('path', { class: 'impact', d: 'M-4 4h8l-4 6z' })),
    ...(one.firstOkAt === null ? [] : [atInstant(axis, one.firstOkAt, h('circle', { class: 'first-ok', cy: 9, r: 3.2 }))]),
    atInstant(
      axis,
      end,
      h('path', { class: state === 'closed' ? 'cap' : 'arrow', d: state === 'closed' ? 'M0 3v12' : 'M-7 4l7 5-7 5' }),
    ),
    atInstant(axis, one.injectedAt, h('text', { class: 'lane-text small halo', x: 5, y: 25 }, words)),
    h('title', null, `${one.service} after ${one.fault}: ${recoveryText(one)}`),
  );
}
