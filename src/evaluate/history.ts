/** What the judges work on: the small files of a run, read and checked, and what follows from its journal. */
import type { Evidence, FaultWindow } from '../model/evaluation.ts';
import type { BusinessService, PhaseName, Plan, ScenarioSpec } from '../model/plan.ts';
import type {
  EnvironmentRecord,
  JournalEvent,
  Observation,
  ProbeRecord,
  RunnerRecord,
  UndoRecord,
} from '../model/run-records.ts';

export interface PhaseSpan {
  readonly phase: PhaseName;
  readonly startAt: number;
  /** Exclusive. */
  readonly endAt: number;
}

export interface RunnerFolder {
  readonly runner: string;
  /** Null: the runner never ended in the eyes of the harness. */
  readonly record: RunnerRecord | null;
  readonly hasSamples: boolean;
}

/** A file whose last line was cut; it was left out. */
export interface CutFile extends Evidence {
  readonly file: string;
}

export interface RunRecords {
  readonly plan: Plan;
  readonly environment: EnvironmentRecord;
  readonly journal: readonly JournalEvent[];
  readonly undo: readonly UndoRecord[];
  /** By `sentAt`. */
  readonly probes: readonly ProbeRecord[];
  /** By `at`. */
  readonly observations: readonly Observation[];
  readonly runners: readonly RunnerFolder[];
  readonly hasLedger: boolean;
  readonly cutFiles: readonly CutFile[];
}

export interface History extends RunRecords {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly phases: readonly PhaseSpan[];
  readonly faults: readonly FaultWindow[];
  readonly interrupted: boolean;
  readonly aborted: string | null;
}

const SERVICE_OF = {
  'flash-sale': 'order-capture',
  'pos-sync-burst': 'pos',
  'month-end-close': 'financial-posting',
} as const satisfies Record<ScenarioSpec['kind'], BusinessService>;

/** The business service that a load serves; its journeys carry the same in their tags. */
export function serviceOf(scenario: ScenarioSpec): BusinessService {
  return SERVICE_OF[scenario.kind];
}
