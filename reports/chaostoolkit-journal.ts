/**
 * The run as a Chaos Toolkit journal, so that tools that read one (`chaos report`, dashboards) read ours. The objectives are
 * the steady-state hypothesis, each fault an action of the method, its revert a rollback.
 */
import type { Evaluation, FaultWindow, ObjectiveResult } from '../src/model/evaluation.ts';
import { isoInstant } from './format.ts';
import { sanitiseEvaluation } from './sanitise.ts';
import { measuredText, targetText } from './wording.ts';

export function renderChaosToolkitJournal(input: Evaluation): string {
  const evaluation = sanitiseEvaluation(input);
  const { plan, environment } = evaluation;
  const faults = evaluation.faults;
  const injected = faults.filter((fault) => fault.injectedAt !== null);
  const journal = {
    'chaoslib-version': '1.45.0',
    platform: environment.host.platform,
    node: `peakproof ${environment.harnessVersion}`,
    experiment: {
      version: '1.0.0',
      title: plan.name,
      description: plan.description,
      tags: ['peakproof', 'odoo'],
      configuration: { planDigest: plan.digest, seed: plan.seed, runId: evaluation.runId },
      'steady-state-hypothesis': {
        title: 'Every objective of the plan is met',
        probes: evaluation.objectives.map(objectiveProbe),
      },
      method: faults.map(faultAction),
      rollbacks: faults.map(faultRollback),
    },
    start: localInstant(evaluation.startedAt),
    end: localInstant(evaluation.endedAt),
    duration: (evaluation.endedAt - evaluation.startedAt) / 1000,
    status: journalStatus(evaluation),
    deviated: evaluation.verdict === 'fail',
    steady_states: {
      before: {
        steady_state_met: evaluation.guards.every((guard) => guard.held),
        probes: evaluation.guards.map((guard) => guardRun(evaluation, guard)),
      },
      after: {
        steady_state_met: evaluation.verdict === 'pass',
        probes: evaluation.objectives.map((one) => objectiveRun(evaluation, one)),
      },
      during: [],
    },
    run: injected.map((fault) => faultRun(evaluation, fault)),
    rollbacks: injected.map((fault) => rollbackRun(evaluation, fault)),
  };
  return `${JSON.stringify(journal, null, 2)}\n`;
}

/** Chaos Toolkit's own words: a hypothesis that does not hold, before or after, is `failed` (chaoslib/run.py). */
function journalStatus(evaluation: Evaluation): string {
  if (evaluation.interrupted) return 'interrupted';
  if (evaluation.aborted !== null) return 'aborted';
  return evaluation.verdict === 'pass' ? 'completed' : 'failed';
}

const provider = (func: string, args: Readonly<Record<string, unknown>>) => ({
  type: 'python',
  module: 'peakproof',
  func,
  arguments: args,
});

function objectiveProbe(one: ObjectiveResult) {
  return {
    type: 'probe',
    name: one.id,
    tolerance: `${one.direction === 'at-most' ? '<=' : '>='} ${one.target} ${one.unit}`,
    provider: provider(one.kind, { service: one.service }),
  };
}

function objectiveRun(evaluation: Evaluation, one: ObjectiveResult) {
  return {
    activity: objectiveProbe(one),
    ...span(evaluation.startedAt, evaluation.endedAt),
    status: one.verdict === 'inconclusive' ? 'failed' : 'succeeded',
    output: {
      measured: one.measured,
      text: `${measuredText(one)}, target ${targetText(one)}: ${one.reason}`,
      verdict: one.verdict,
    },
    tolerance_met: one.verdict === 'pass',
  };
}

function guardRun(evaluation: Evaluation, guard: Evaluation['guards'][number]) {
  return {
    activity: { type: 'probe', name: guard.id, tolerance: true, provider: provider('guard', { objectives: guard.objectives }) },
    ...span(evaluation.startedAt, evaluation.startedAt),
    status: 'succeeded',
    output: guard.reason,
    tolerance_met: guard.held,
  };
}

function faultAction(fault: FaultWindow) {
  return {
    type: 'action',
    name: fault.fault,
    provider: provider(fault.kind, { target: fault.target, blastRadius: fault.blastRadius }),
  };
}

function faultRollback(fault: FaultWindow) {
  return { type: 'action', name: `undo ${fault.fault}`, provider: provider(`${fault.kind}/revert`, { target: fault.target }) };
}

function faultRun(evaluation: Evaluation, fault: FaultWindow) {
  const start = fault.injectedAt ?? evaluation.startedAt;
  return {
    activity: faultAction(fault),
    ...span(start, fault.endedAt ?? fault.revertedAt ?? evaluation.endedAt),
    status: fault.proven ? 'succeeded' : 'failed',
    output: fault.evidence,
    ...(fault.proven ? {} : { exception: ['not shown to have happened', ...fault.evidence] }),
  };
}

function rollbackRun(evaluation: Evaluation, fault: FaultWindow) {
  const start = fault.endedAt ?? fault.injectedAt ?? evaluation.startedAt;
  return {
    activity: faultRollback(fault),
    ...span(start, fault.revertedAt ?? evaluation.endedAt),
    status: fault.reverted ? 'succeeded' : 'failed',
    output: null,
  };
}

function span(startAt: number, endAt: number) {
  return { start: localInstant(startAt), end: localInstant(endAt), duration: Math.max(0, endAt - startAt) / 1000 };
}

/** Chaos Toolkit writes instants without a zone and means UTC. */
function localInstant(at: number): string {
  return isoInstant(at).slice(0, 23);
}
