/** What the run left behind: lost and duplicated writes, the load of each phase, the recoveries, the faults. */
import type { VNode } from 'preact';
import type { DataLossSummary, Evaluation, PhaseFigures } from '../../src/model/evaluation.ts';
import { formatCount, formatDuration, formatInstant, formatNumber, formatSince, formatValue } from '../format.ts';
import { faultState, recoveryText } from '../wording.ts';
import { h } from './element.ts';
import { faultTag } from './lanes.ts';
import { type Column, moment, section, table } from './parts.ts';

/** A page with tens of thousands of keys helps nobody; evaluation.json has them all. */
const KEYS_SHOWN = 300;

const numeric = (title: string): Column => ({ title, numeric: true });

export function faultsSection(evaluation: Evaluation): VNode | null {
  if (evaluation.faults.length === 0) return null;
  const { startedAt } = evaluation;
  return section(
    'faults',
    'Faults',
    null,
    table(
      'Faults',
      [
        { title: 'Fault' },
        { title: 'Target and blast radius' },
        numeric('Injected'),
        numeric('Ended'),
        numeric('Undone'),
        { title: 'Did it happen?' },
      ],
      evaluation.faults.map((fault) => [
        h(
          'span',
          null,
          h('span', { class: 'tag' }, faultTag(evaluation, fault.fault)),
          ' ',
          fault.fault,
          h('span', { class: 'muted' }, fault.kind),
        ),
        h(
          'span',
          null,
          fault.target,
          h('span', { class: 'muted' }, fault.blastRadius),
          fault.prediction === undefined ? null : h('span', { class: 'muted' }, `expected: ${fault.prediction}`),
        ),
        moment(fault.injectedAt, startedAt, 'not injected'),
        moment(fault.endedAt, startedAt),
        moment(fault.revertedAt, startedAt),
        h(
          'span',
          null,
          h('strong', { class: fault.proven && fault.reverted ? '' : 'attention' }, faultState(fault)),
          h('span', { class: 'muted' }, fault.evidence.join('; ')),
        ),
      ]),
    ),
  );
}

export function recoveriesSection(evaluation: Evaluation): VNode | null {
  if (evaluation.recoveries.length === 0) return null;
  const { startedAt } = evaluation;
  return section(
    'recoveries',
    'Recoveries',
    'Counted from the fault to the moment from which a business service stayed good, as its clients saw it. Instants are seconds since the run started.',
    table(
      'Recoveries',
      [
        { title: 'Service' },
        { title: 'Fault' },
        numeric('Injected'),
        numeric('First bad'),
        numeric('First good'),
        numeric('Recovered'),
        numeric('Recovery time'),
        { title: 'Configured bound' },
      ],
      evaluation.recoveries.map((one) => [
        one.service,
        h('span', null, h('span', { class: 'tag' }, faultTag(evaluation, one.fault)), ' ', one.fault),
        moment(one.injectedAt, startedAt),
        moment(one.impactAt, startedAt, 'no impact'),
        moment(one.firstOkAt, startedAt),
        moment(one.recoveredAt, startedAt, one.impactAt === null ? '–' : 'not in this run'),
        h('strong', { class: one.censored ? 'attention' : '' }, recoveryText(one)),
        one.bound === null
          ? h('span', { class: 'muted' }, 'none known')
          : h(
              'span',
              null,
              one.bound.ms === null ? '' : formatDuration(one.bound.ms),
              h('span', { class: 'muted' }, one.bound.text),
            ),
      ]),
    ),
  );
}

export function lossSection(evaluation: Evaluation): VNode | null {
  if (evaluation.dataLoss.length === 0) return null;
  return section(
    'loss',
    'What was lost',
    'Every write that was acknowledged, or may have happened, was looked for again by its business key after the run.',
    table(
      'Writes by service',
      [
        { title: 'Service' },
        numeric('Acknowledged'),
        numeric('Lost'),
        numeric('Duplicated'),
        numeric('Unknown'),
        numeric('of them happened'),
        numeric('Read-backs'),
      ],
      evaluation.dataLoss.map((one) => [
        one.service,
        formatNumber(one.acknowledged),
        h('strong', { class: one.lostKeys.length > 0 ? 'attention' : '' }, formatNumber(one.lostKeys.length)),
        h('strong', { class: one.duplicatedKeys.length > 0 ? 'attention' : '' }, formatNumber(one.duplicatedKeys.length)),
        formatNumber(one.unknown),
        formatNumber(one.unknownThatHappened),
        formatNumber(one.readBacks),
      ]),
    ),
    ...evaluation.dataLoss.flatMap((one) => [lostKeys(evaluation, one), duplicatedKeys(one)]),
    invariants(evaluation),
  );
}

function lostKeys({ startedAt }: Evaluation, { service, lostKeys }: DataLossSummary): VNode | null {
  if (lostKeys.length === 0) return null;
  return h(
    'details',
    { open: lostKeys.length <= 20 },
    h('summary', null, `${formatCount(lostKeys.length, 'lost key')} of ${service}`),
    table(
      `Lost writes of ${service}`,
      [{ title: 'Business key' }, { title: 'Model' }, { title: 'Write' }, numeric('Acknowledged'), { title: 'at' }],
      lostKeys
        .slice(0, KEYS_SHOWN)
        .map((one) => [
          h('code', null, one.key),
          one.model,
          one.effect,
          formatSince(one.answeredAt, startedAt),
          formatInstant(one.answeredAt),
        ]),
      'compact',
    ),
    more(lostKeys.length),
  );
}

function duplicatedKeys({ service, duplicatedKeys }: DataLossSummary): VNode | null {
  if (duplicatedKeys.length === 0) return null;
  return h(
    'details',
    { open: duplicatedKeys.length <= 20 },
    h('summary', null, `${formatCount(duplicatedKeys.length, 'duplicated key')} of ${service}`),
    h('ul', { class: 'keys-list' }, ...duplicatedKeys.slice(0, KEYS_SHOWN).map((key) => h('li', null, h('code', null, key)))),
    more(duplicatedKeys.length),
  );
}

function more(count: number): VNode | null {
  return count > KEYS_SHOWN
    ? h('p', { class: 'muted' }, `and ${formatNumber(count - KEYS_SHOWN)} more in evaluation.json`)
    : null;
}

function invariants({ invariants }: Evaluation): VNode | null {
  if (invariants.length === 0) return null;
  return h(
    'div',
    null,
    h('h3', null, 'Business invariants'),
    table(
      'Business invariants',
      [{ title: 'Invariant' }, numeric('Checked'), numeric('Violations'), { title: 'Which' }],
      invariants.map((one) => [
        one.invariant,
        formatNumber(one.checked),
        h('strong', { class: one.violations.length > 0 ? 'attention' : '' }, formatNumber(one.violations.length)),
        one.violations.length === 0
          ? h('span', { class: 'muted' }, one.checked === 0 ? 'nothing to check: no data' : 'none')
          : h(
              'span',
              null,
              one.violations.slice(0, 20).join('; '),
              one.violations.length > 20 ? ` and ${one.violations.length - 20} more` : '',
            ),
      ]),
    ),
  );
}

export function scenariosSection({ scenarios }: Evaluation): VNode | null {
  if (scenarios.length === 0) return null;
  return section(
    'scenarios',
    'Load by scenario and phase',
    'Journeys that were scheduled, and what became of them. Dropped and interrupted ones count as misses of attainment.',
    table(
      'Load by scenario and phase',
      [
        { title: 'Scenario' },
        { title: 'Phase' },
        numeric('Scheduled'),
        numeric('per second'),
        numeric('ok'),
        numeric('failed'),
        numeric('unknown'),
        numeric('dropped'),
        numeric('interrupted'),
        numeric('p50'),
        numeric('p95'),
        numeric('p99'),
      ],
      scenarios.flatMap((one) => one.phases.map((figures, index) => scenarioRow(index === 0 ? one : null, figures))),
      'scenarios',
    ),
  );
}

function scenarioRow(scenario: Evaluation['scenarios'][number] | null, one: PhaseFigures) {
  const count = (value: number, bad = false) =>
    bad && value > 0 ? h('strong', { class: 'attention' }, formatNumber(value)) : formatNumber(value);
  return [
    scenario === null
      ? ''
      : h('span', null, scenario.scenario, h('span', { class: 'muted' }, `${scenario.loadClass} · ${scenario.service}`)),
    one.phase,
    count(one.scheduled),
    formatNumber(one.perSecond),
    count(one.ok),
    count(one.fail, true),
    count(one.unknown, true),
    count(one.dropped, true),
    count(one.interrupted, true),
    formatValue(one.p50Ms, 'ms'),
    formatValue(one.p95Ms, 'ms'),
    formatValue(one.p99Ms, 'ms'),
  ];
}
