/** What moves a primary: Patroni, or programs that the plan names. */
import type { PostgresFailoverSpec } from '../../src/model/plan.ts';
import type { FaultContext, FaultDoors, FaultPlan, Proof, Revert, UndoEntry } from '../fault.ts';

export interface PlannedFailover {
  readonly driver: 'patroni' | 'command';
  /** Member name, or `host:port/database` when only an address is known. */
  readonly oldPrimary: string;
  readonly timeline: number;
  /** Standbys seen before the move. */
  readonly standbys: number;
  readonly candidate: string | null;
  /** Pod to delete in mode `crash`; null: the command does it. */
  readonly pod: { readonly name: string; readonly uid: string } | null;
  readonly command: readonly string[] | null;
  readonly rejoin: readonly string[] | null;
}

export interface InjectedFailover {
  readonly asked: true;
}

export interface FailoverDriver {
  plan(spec: PostgresFailoverSpec, doors: FaultDoors): Promise<FaultPlan<PlannedFailover>>;
  /** Resolves with what the other side said. */
  inject(spec: PostgresFailoverSpec, planned: PlannedFailover, context: FaultContext): Promise<string>;
  prove(spec: PostgresFailoverSpec, planned: PlannedFailover, context: FaultContext): Promise<Proof>;
  revert(undo: UndoEntry, doors: FaultDoors, options: { readonly timeoutMs: number }): Promise<Revert>;
}
