import { countRows } from '../../clients/odoo/records.ts';
import type { Clock, OdooPort } from '../../clients/ports.ts';
import { HarnessError } from '../../errors.ts';
import { runPattern } from './run-pattern.ts';

const LOOK_EVERY_MS = 1_000;
/** Counts that have not moved for this long are quiet. */
const QUIET_MS = 3_000;

/**
 * Waits until nothing of the run is being written any more: Odoo commits what it was sent although nobody waits for the answer,
 * after up to 30 s of retries (odoo-behaviour.md section 2). Gives false when the deadline came first; a look that fails
 * is not quiet.
 */
export async function awaitQuiet(
  odoo: OdooPort,
  options: { readonly runId: string; readonly timeoutMs: number; readonly clock: Clock; readonly signal?: AbortSignal },
): Promise<boolean> {
  const { clock, timeoutMs } = options;
  const endsMs = clock.monotonic() + timeoutMs;
  let seen = '';
  let sinceMs = clock.monotonic();
  for (;;) {
    const counts = await lookAt(odoo, options.runId, Math.max(1, endsMs - clock.monotonic()));
    const atMs = clock.monotonic();
    if (counts === null || counts !== seen) {
      seen = counts ?? '';
      sinceMs = atMs;
    } else if (atMs - sinceMs >= QUIET_MS) return true;
    if (atMs + LOOK_EVERY_MS >= endsMs) return false;
    await clock.sleep(LOOK_EVERY_MS, options.signal === undefined ? {} : { signal: options.signal });
  }
}

async function lookAt(odoo: OdooPort, runId: string, timeoutMs: number): Promise<string | null> {
  const pattern = runPattern(runId);
  try {
    const orders = await countRows(odoo, 'sale.order', [['client_order_ref', 'like', pattern]], { timeoutMs });
    const moves = await countRows(odoo, 'account.move', [['ref', 'like', pattern]], { timeoutMs });
    // Tickets have UUIDs, which do not show their run.
    const tickets = await countRows(odoo, 'pos.order', [], { timeoutMs });
    return `${orders} ${moves} ${tickets}`;
  } catch (error) {
    if (error instanceof HarnessError) return null;
    throw error;
  }
}
