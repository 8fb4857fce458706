/** Settle, then look every acknowledged or unknown write up twice, then check the invariants of the whole run. */

import type { Clock } from '../clients/ports.ts';
import type { TargetCatalogue } from '../model/catalogue.ts';
import type { Plan } from '../model/plan.ts';
import type { LedgerRow, LedgerWrite } from '../model/run-records.ts';
import { awaitQuiet } from '../observe/ledger/await-quiet.ts';
import { checkInvariants } from '../observe/ledger/check-invariants.ts';
import { readBack } from '../observe/ledger/read-back.ts';
import { readBackSessions, removeSessions } from '../observe/ledger/read-back-sessions.ts';
import type { Doors } from './connections.ts';

export interface SettleOptions {
  readonly plan: Plan;
  readonly doors: Doors;
  readonly catalogue: TargetCatalogue;
  readonly runId: string;
  readonly clock: Clock;
  /** After an interrupt or abort: no waiting for quiet. */
  readonly hurried: boolean;
  readonly probeWrites: readonly LedgerWrite[];
  readonly loadWrites: AsyncIterable<LedgerWrite>;
  readonly write: (row: LedgerRow) => Promise<void>;
  /** For the journal. */
  readonly note: (detail: string) => Promise<void>;
}

export async function settleAndReadBack({
  plan,
  doors,
  catalogue,
  runId,
  clock,
  hurried,
  probeWrites,
  loadWrites,
  write,
  note,
}: SettleOptions): Promise<void> {
  const writes: LedgerWrite[] = [...probeWrites];
  for await (const row of loadWrites) writes.push(row);
  for (const row of writes) await write(row);
  // Half of the settle time before each look, so that a replica read too early cannot pass for a loss twice.
  const pauseMs = hurried ? Math.min(1_000, plan.phases.settleMs / 2) : plan.phases.settleMs / 2;
  if (!hurried && !(await awaitQuiet(doors.odoo, { runId, timeoutMs: plan.phases.settleMs, clock })))
    await note(
      `the target was still writing for this run, or could not be asked, at the end of the settle time of ${plan.phases.settleMs / 1_000} s`,
    );
  for (const pass of [1, 2]) {
    await clock.sleep(pauseMs);
    for await (const row of readBack(doors.odoo, writes, { pass, clock })) await write(row);
    for await (const row of readBackSessions(doors.faults.redis, writes, { pass, clock })) await write(row);
  }
  for (const left of await removeSessions(doors.faults.redis, writes)) await note(left);
  for await (const row of checkInvariants(doors.odoo, { catalogue, runId, clock, writes })) await write(row);
}
