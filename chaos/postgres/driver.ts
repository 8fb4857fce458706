/** What moves a primary: Patroni, an operator, or programs that the plan names. */
import type { PostgresFailoverSpec } from '../../src/model/plan.ts';
import type { FaultContext, FaultDoors, FaultPlan, Proof, Revert, UndoEntry } from '../fault.ts';
import type { Reach } from './reach.ts';

export interface PlannedFailover {
  readonly driver: 'patroni' | 'command' | 'cloudnative-pg';
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
  /** The way into the old primary, for modes that stop single processes of it. */
  readonly reach?: Reach;
  /** Why the primary cannot be killed from inside its pod, so that Patroni may hand over in good order when the pod is deleted. */
  readonly handsOver?: string;
  /** The old primary at its own address, where the plan names it: its label, and when its server was started (its own clock). */
  readonly address?: { readonly label: string; readonly startedServerAt: number | null };
}

export interface InjectedFailover {
  readonly asked: true;
}

export interface FailoverDriver {
  plan(spec: PostgresFailoverSpec, doors: FaultDoors): Promise<FaultPlan<PlannedFailover>>;
  /** Read only, just before the undo is written: what else the undo must know. */
  prepare?(
    spec: PostgresFailoverSpec,
    planned: PlannedFailover,
    context: FaultContext,
  ): Promise<Readonly<Record<string, unknown>>>;
  /**
   * Resolves with what the other side said. `touched` tells that the target was touched: a driver that calls it is not taken to
   * have begun before. `prepared` is what `prepare` gave.
   */
  inject(
    spec: PostgresFailoverSpec,
    planned: PlannedFailover,
    context: FaultContext,
    touch: { readonly touched: () => void; readonly prepared: Readonly<Record<string, unknown>> },
  ): Promise<string>;
  /** True: `inject` calls `touched`. */
  tellsTouch?(mode: PostgresFailoverSpec['mode']): boolean;
  prove(spec: PostgresFailoverSpec, planned: PlannedFailover, context: FaultContext): Promise<Proof>;
  revert(undo: UndoEntry, doors: FaultDoors, options: { readonly timeoutMs: number }): Promise<Revert>;
}
