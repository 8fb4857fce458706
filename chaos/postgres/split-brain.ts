/** Whether a former primary still takes writes while another member is the primary, and what becomes of them. */
import { awaitCondition } from '../../src/clients/await-condition.ts';
import type { PostgresPort } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';
import type { SplitBrain } from '../../src/model/run-records.ts';
import type { FaultContext, FaultDoors, UndoEntry } from '../fault.ts';

const WRITE_EVERY_MS = 250;
const LOOK_UP_MS = 10_000;

export interface OrphanWatch {
  readonly orphan: { readonly name: string; readonly port: PostgresPort };
  readonly primary: { readonly name: string; readonly port: PostgresPort };
  /** Keys of the rows begin with it. */
  readonly prefix: string;
  readonly watchMs: number;
}

export interface Watched {
  readonly splitBrain?: SplitBrain;
  readonly evidence: readonly string[];
}

export function markPrefix(runId: string, fault: string): string {
  return `${runId}/${fault}/`;
}

/** Writes to the orphan at its own address until the watch is over, then looks each acknowledged row up on the primary. */
export async function watchOrphan({ orphan, primary, prefix, watchMs }: OrphanWatch, context: FaultContext): Promise<Watched> {
  const { clock, signal } = context;
  const fromAt = clock.now();
  const startedAt = clock.monotonic();
  const accepted: { readonly key: string; readonly at: number }[] = [];
  let asked = 0;
  let lastRefusal = '';
  let tookLast = false;
  while (clock.monotonic() - startedAt < watchMs) {
    asked += 1;
    const key = `${prefix}${String(asked).padStart(4, '0')}`;
    const { outcome, detail } = await orphan.port.marks.write(key, { signal });
    tookLast = outcome === 'accepted';
    if (tookLast) accepted.push({ key, at: clock.now() });
    else lastRefusal = `${outcome}: ${detail}`;
    await clock.sleep(WRITE_EVERY_MS, { signal });
  }
  const place = `${orphan.name} (${orphan.port.label})`;
  const last = accepted.at(-1);
  if (last === undefined) {
    return {
      evidence: [`no split brain: ${place} took none of ${asked} writes once ${primary.name} was the primary (${lastRefusal})`],
    };
  }
  const there = await lookUp(primary.port, prefix, context);
  const lostKeys = there === null ? [] : accepted.map(({ key }) => key).filter((key) => !there.has(key));
  const untilAt = last.at;
  const splitBrain: SplitBrain = {
    orphan: orphan.name,
    primary: primary.name,
    fromAt,
    untilAt,
    censored: tookLast,
    acknowledged: accepted.length,
    lostKeys,
  };
  const seconds = ((untilAt - fromAt) / 1_000).toFixed(1);
  return {
    splitBrain,
    evidence: [
      `split brain: ${place} acknowledged ${accepted.length} of ${asked} writes of ours for ${tookLast ? 'at least ' : ''}${seconds} s while ${primary.name} was the primary`,
      there === null
        ? `${primary.name} could not be asked for these rows`
        : `${lostKeys.length} of these ${accepted.length} acknowledged writes are not on ${primary.name}: lost`,
    ],
  };
}

async function lookUp(primary: PostgresPort, prefix: string, context: FaultContext): Promise<ReadonlySet<string> | null> {
  try {
    const keys = await awaitCondition('marks looked up', () => primary.marks.readKeys(prefix, { signal: context.signal }), {
      until: () => true,
      timeoutMs: LOOK_UP_MS,
      clock: context.clock,
      signal: context.signal,
    });
    return new Set(keys);
  } catch (error) {
    if (error instanceof HarnessError) return null;
    throw error;
  }
}

/** Once the cluster is one again: says what it has of our rows, and takes the table away. */
export async function removeMarks(
  undo: UndoEntry,
  doors: FaultDoors,
): Promise<{ readonly complete: boolean; readonly detail: string }> {
  const { marks } = undo.data;
  if (typeof marks !== 'string') return { complete: true, detail: '' };
  const members = [...(doors.postgres === undefined ? [] : [doors.postgres]), ...(doors.postgresStandbys ?? [])];
  let failure = 'no member takes writes';
  for (const member of members) {
    try {
      if (!(await member.isWritable())) continue;
      const keys = await member.marks.readKeys(marks);
      await member.marks.drop();
      return { complete: true, detail: `${keys.length} rows of the orphan are on ${member.label}; our table is dropped there` };
    } catch (error) {
      if (!(error instanceof HarnessError)) throw error;
      failure = error.message;
    }
  }
  return { complete: false, detail: `our table peakproof_marks could not be dropped: ${failure}` };
}
