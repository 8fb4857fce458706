/** What the journal says about time: the span of the run, its phases, and the window of each fault. */
import type { FaultWindow } from '../model/evaluation.ts';
import type { PhaseName } from '../model/plan.ts';
import type { JournalEvent, SplitBrain } from '../model/run-records.ts';
import type { History, PhaseSpan, RunRecords } from './history.ts';

type EventOf<T extends JournalEvent['type']> = Extract<JournalEvent, { readonly type: T }>;

/** Adds what follows from the journal to the records. A journal without `run-ended` is that of a killed harness: interrupted. */
export function buildHistory(records: RunRecords): History {
  const { journal } = records;
  const startedAt = eventsOf(journal, 'run-started')[0]?.at ?? journal[0]?.at ?? 0;
  const ended = eventsOf(journal, 'run-ended').at(-1);
  const endedAt = Math.max(startedAt, ended?.at ?? lastInstant(records));
  return {
    ...records,
    startedAt,
    endedAt,
    phases: phaseSpans(journal, endedAt),
    faults: records.plan.faults.map((fault) => faultWindow(fault.id, fault.kind, journal)),
    interrupted: ended === undefined || journal.some((event) => event.type === 'interrupted'),
    aborted: eventsOf(journal, 'abort')[0]?.reason ?? null,
  };
}

/** Phases lie end to end; an instant on a boundary belongs to the later one. */
export function phaseSpans(journal: readonly JournalEvent[], endedAt: number): readonly PhaseSpan[] {
  const starts = eventsOf(journal, 'phase-started');
  return starts.map((start, i) => ({
    phase: start.phase,
    startAt: start.at,
    endAt: Math.max(start.at, starts[i + 1]?.at ?? endedAt),
  }));
}

export function phaseNamed(phases: readonly PhaseSpan[], name: PhaseName): PhaseSpan | undefined {
  return phases.find((span) => span.phase === name);
}

/** A fault that was injected again and again is one window, from the first injection; one unproven injection leaves it unproven. */
export function faultWindow(fault: string, kind: string, journal: readonly JournalEvent[]): FaultWindow {
  const own = journal.filter((event) => 'fault' in event && event.fault === fault);
  const planned = eventsOf(own, 'fault-planned')[0];
  const injected = eventsOf(own, 'fault-injected')[0];
  const proofs = eventsOf(own, 'fault-proven');
  const reverted = eventsOf(own, 'fault-reverted').at(-1);
  const failures = eventsOf(own, 'fault-failed');
  const splitBrain = splitBrainOf(own);
  return {
    fault,
    kind,
    target: planned?.target ?? '',
    blastRadius: planned?.blastRadius ?? '',
    ...(planned?.prediction === undefined ? {} : { prediction: planned.prediction }),
    injectedAt: injected?.at ?? null,
    endedAt: eventsOf(own, 'fault-ended').at(-1)?.at ?? null,
    revertedAt: reverted?.at ?? null,
    proven: injected !== undefined && proofs.length > 0 && proofs.every((proof) => proof.proven),
    reverted: reverted?.complete ?? false,
    evidence: [...proofs.flatMap((proof) => proof.evidence), ...failures.map((failure) => `${failure.code}: ${failure.detail}`)],
    ...(splitBrain && { splitBrain }),
  };
}

function splitBrainOf(own: readonly JournalEvent[]): SplitBrain | undefined {
  const event = eventsOf(own, 'split-brain').at(-1);
  if (event === undefined) return undefined;
  const { orphan, primary, fromAt, untilAt, censored, acknowledged, lostKeys } = event;
  return { orphan, primary, fromAt, untilAt, censored, acknowledged, lostKeys };
}

export function eventsOf<T extends JournalEvent['type']>(journal: readonly JournalEvent[], type: T): readonly EventOf<T>[] {
  return journal.filter((event): event is EventOf<T> => event.type === type);
}

function lastInstant(records: RunRecords): number {
  return records.probes.reduce(
    (latest, probe) => Math.max(latest, probe.answeredAt),
    Math.max(
      records.journal.reduce((latest, event) => Math.max(latest, event.at), 0),
      records.observations.at(-1)?.at ?? 0,
      ...records.runners.map((runner) => runner.record?.endedAt ?? 0),
    ),
  );
}
