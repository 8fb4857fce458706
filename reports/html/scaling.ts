/** How the autoscaler answered, what the run advises about sizes, and what could not be seen. */
import type { VNode } from 'preact';
import type { Evaluation, Rightsizing, ScalingStage, ScalingSummary, UseFigures } from '../../src/model/evaluation.ts';
import { formatCount, formatDuration, formatNumber, formatSince, formatValue } from '../format.ts';
import { adviceDeed, adviceValue, gapsOf, stageTook, stageWords } from '../scaling-words.ts';
import { h } from './element.ts';
import { type Column, definitions, moment, section, table } from './parts.ts';

const numeric = (title: string): Column => ({ title, numeric: true });

export function autoscalingSection(evaluation: Evaluation): VNode | null {
  const { autoscaling = [] } = evaluation;
  if (autoscaling.length === 0) return null;
  return section(
    'autoscaling',
    'How the autoscaler answered',
    'From the load step to the service level back, in the parts it is made of. The last of them may hold the effects of a fault.',
    ...autoscaling.flatMap((one) => [
      autoscaling.length > 1 ? h('h3', null, one.objective) : null,
      stagesTable(evaluation, one),
      definitions([
        ['Autoscaler', one.madeBy === null ? one.autoscaler : `${one.autoscaler}, made by ${one.madeBy}`],
        ['Scales on', one.scalesOn.join('; ')],
        ['Configured', one.bound === null ? 'not known' : one.bound.text],
        ['Limited by its maximum', one.limitedByMax ? h('strong', { class: 'attention' }, 'yes') : 'no'],
        ['Scale-in', one.scaleIn.text],
      ]),
      history(evaluation, one),
    ]),
  );
}

function stagesTable({ startedAt }: Evaluation, one: ScalingSummary): VNode {
  const longest = Math.max(1, ...one.stages.map(({ durationMs }) => durationMs ?? 0));
  return table(
    `Parts of the scale-up of ${one.autoscaler}`,
    [{ title: 'Part' }, numeric('Took'), { title: '' }, numeric('Until'), { title: 'Read from' }],
    one.stages.map((stage) => [
      stageWords(stage.name),
      h('strong', { class: stage.durationMs === null ? 'muted' : '' }, stageTook(stage)),
      bar(stage, longest),
      moment(stage.toAt, startedAt),
      h('span', null, stage.source, stage.note === undefined ? null : h('span', { class: 'muted' }, stage.note)),
    ]),
  );
}

function bar({ durationMs }: ScalingStage, longest: number): VNode | null {
  if (durationMs === null) return null;
  const width = Math.max(1, Math.round((durationMs / longest) * 900) / 10);
  return h(
    'svg',
    { class: 'stage-bar', viewBox: '0 0 90 10', width: 90, height: 10, 'aria-hidden': 'true' },
    h('rect', { x: 0, y: 2, width, height: 6 }),
  );
}

function history({ startedAt }: Evaluation, { conditions, events }: ScalingSummary): VNode | null {
  const rows = [...conditions.map((one) => ({ ...one, what: 'condition' })), ...events.map((one) => ({ ...one, what: 'event' }))];
  if (rows.length === 0) return null;
  return h(
    'details',
    null,
    h('summary', null, `What the autoscaler said of itself (${formatCount(rows.length, 'entry', 'entries')})`),
    h(
      'ul',
      null,
      ...rows
        .toSorted((a, b) => a.at - b.at)
        .map(({ at, what, text }) => h('li', null, `${formatSince(at, startedAt)} ${what}: ${text}`)),
    ),
  );
}

export function rightsizingSection({ rightsizing }: Evaluation): VNode | null {
  if (rightsizing === undefined) return null;
  return section(
    'rightsizing',
    'Advice on sizes',
    'From what was measured in this run. Advice, not part of the verdict: another load needs other sizes.',
    rightsizing.noAdvice === null
      ? adviceTable(rightsizing)
      : h('p', null, h('strong', null, 'No advice: '), rightsizing.noAdvice),
    useTable(rightsizing),
  );
}

function adviceTable({ workload, advice }: Rightsizing): VNode {
  return table(
    `Advice on sizes of ${workload}`,
    [{ title: `Setting of ${workload}` }, numeric('Now'), numeric('Advice'), { title: 'Why' }],
    advice.map((one) => [
      one.setting,
      adviceValue(one, one.current),
      one.advised === one.current ? adviceDeed(one) : h('strong', null, adviceDeed(one)),
      one.reason,
    ]),
  );
}

function useTable({ phases }: Rightsizing): VNode | null {
  const measured = phases.filter(({ samples, readyMax }) => samples > 0 || readyMax !== null);
  if (measured.length === 0) return null;
  const cores = (value: number | null) => (value === null ? '–' : formatNumber(value));
  return h(
    'details',
    null,
    h('summary', null, 'The figures it rests on'),
    table(
      'Use of the pods by phase',
      [
        { title: 'Phase' },
        numeric('Figures'),
        numeric('CPU of a pod, p95'),
        numeric('most'),
        numeric('CPU of all, p95'),
        numeric('Memory of a pod, most'),
        numeric('Ready'),
        numeric('Wanted at most'),
      ],
      measured.map((one: UseFigures) => [
        one.phase,
        formatNumber(one.samples),
        cores(one.podCpuP95Cores),
        cores(one.podCpuMaxCores),
        cores(one.totalCpuP95Cores),
        formatValue(one.podMemoryMaxBytes, 'bytes'),
        one.readyMin === one.readyMax ? cores(one.readyMax) : `${cores(one.readyMin)} to ${cores(one.readyMax)}`,
        cores(one.desiredMax),
      ]),
      'compact',
    ),
  );
}

export function gapsSection(evaluation: Evaluation): VNode | null {
  const gaps = gapsOf(evaluation);
  if (gaps.length === 0) return null;
  const { startedAt } = evaluation;
  return section(
    'gaps',
    'What could not be seen',
    'Spans in which a part of the platform did not answer the observers. Only objectives that needed such a span are undecided for it.',
    table(
      'Gaps in the observation',
      [{ title: 'Source' }, numeric('From'), numeric('To'), numeric('Lasted'), { title: 'Why' }],
      gaps.map((gap) => [
        gap.source,
        moment(gap.fromAt, startedAt),
        moment(gap.toAt, startedAt),
        formatDuration(gap.toAt - gap.fromAt),
        gap.reason,
      ]),
      'compact',
    ),
  );
}
