/** A plan can switch between kill-pods and Litmus and keep its objectives: journal and fault window have the same shape. */
import { describe, expect, test } from 'vitest';
import type { UndoEntry } from '../../../chaos/fault.ts';
import { faultWindow } from '../../../src/evaluate/phases.ts';
import type { FaultSpec } from '../../../src/model/plan.ts';
import type { JournalEvent } from '../../../src/model/run-records.ts';
import { runFaultSchedule } from '../../../src/run/fault-schedule.ts';
import type { UndoLog } from '../../../src/run/undo.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';
import { createFakeCustomObjects } from '../../fakes/fake-custom-objects.ts';
import { createFakeKubernetes } from '../../fakes/fake-kubernetes.ts';
import { ACCOUNTS, EXPERIMENTS, startOperator } from '../../support/litmus-operator/operator.ts';

const common = { id: 'kill', atMs: 0, proveWithinMs: 20_000, revertWithinMs: 60_000, maxAffectedRatio: 0.5 } as const;
const byUs: FaultSpec = {
  ...common,
  kind: 'kubernetes/kill-pods',
  selector: 'app=odoo',
  amount: { count: 1 },
  force: true,
  graceSeconds: 0,
  repeat: { everyMs: 18_000, durationMs: 20_000 },
};
const byLitmus: FaultSpec = {
  ...common,
  kind: 'litmus/engine',
  experiment: 'pod-delete',
  serviceAccount: 'pod-delete',
  app: { label: 'app=odoo', kind: 'deployment' },
  durationMs: 20_000,
  intervalMs: 10_000,
  env: { FORCE: 'true' },
  probes: [],
  healthCheck: true,
  proof: 'pods-gone',
  startWithinMs: 60_000,
  endWithinMs: 120_000,
  keepResult: false,
};

async function journalOf(spec: FaultSpec) {
  const clock = createFakeClock();
  const kubernetes = createFakeKubernetes({ clock });
  const customObjects = createFakeCustomObjects({ clock });
  customObjects.put(EXPERIMENTS, { metadata: { name: 'pod-delete' } });
  customObjects.put(ACCOUNTS, { metadata: { name: 'pod-delete' } });
  const operator = startOperator({ objects: customObjects, kubernetes, clock });
  const journal: JournalEvent[] = [];
  const startAt = clock.now();
  await runFaultSchedule({
    faults: [spec],
    doors: { clock, kubernetes, customObjects },
    runId: 'run-1',
    disturbanceAt: startAt,
    undo: inMemoryUndo(),
    journal: async (event) => void journal.push(event),
    signal: new AbortController().signal,
    clock,
  });
  await operator.stop();
  return { journal, startAt, kills: kubernetes.deletions.length };
}

function inMemoryUndo(): UndoLog {
  const entries = new Map<string, UndoEntry>();
  return {
    async open(entry) {
      entries.set('undo-1', { id: 'undo-1', ...entry });
      return 'undo-1';
    },
    closeEntry: async (id) => void entries.delete(id),
    openEntries: () => [...entries.values()],
    close: async () => undefined,
  };
}

/** Keys and types, without values. */
const shapeOf = (value: object) => Object.fromEntries(Object.entries(value).map(([key, part]) => [key, typeof part]));
const keysBy = (journal: readonly JournalEvent[]) =>
  Object.fromEntries(journal.flatMap((event) => ('fault' in event ? [[event.type, Object.keys(event).sort()]] : [])));

describe('the record of a pod kill, whoever did it', () => {
  test('has the same events with the same fields, and the same fault window', async () => {
    const ours = await journalOf(byUs);
    const theirs = await journalOf(byLitmus);
    expect(keysBy(theirs.journal)).toEqual(keysBy(ours.journal));
    const one = faultWindow('kill', byUs.kind, ours.journal);
    const other = faultWindow('kill', byLitmus.kind, theirs.journal);
    expect(shapeOf(other)).toEqual(shapeOf(one));
    expect(other).toMatchObject({ proven: one.proven, reverted: one.reverted, blastRadius: one.blastRadius });
    expect([one.proven, one.reverted]).toEqual([true, true]);
    const ownProof = (evidence: readonly string[]) =>
      evidence.filter((line) => /^(gone: |\d of \d replacements ready)/.test(line));
    expect(ownProof(other.evidence)).toHaveLength(ownProof(one.evidence).length);
    expect(ours.kills).toBe(theirs.kills);
  });

  test("Litmus' window begins 12 s later than the engine, and lasts as long as ours between the kills", async () => {
    const ours = await journalOf(byUs);
    const theirs = await journalOf(byLitmus);
    const length = ({ injectedAt, endedAt }: ReturnType<typeof faultWindow>) => (endedAt ?? 0) - (injectedAt ?? 0);
    const one = faultWindow('kill', byUs.kind, ours.journal);
    const other = faultWindow('kill', byLitmus.kind, theirs.journal);
    expect((one.injectedAt ?? 0) - ours.startAt).toBeLessThan(100);
    expect((other.injectedAt ?? 0) - theirs.startAt).toBeGreaterThan(11_000);
    expect(Math.abs(length(one) - length(other))).toBeLessThan(1_500);
  });

  test('a fault left to ChaosCenter is not injected by the run, and says how its record is added', async () => {
    const { journal, kills } = await journalOf({
      ...common,
      kind: 'litmus/external',
      experiment: 'pod-delete',
      selector: 'app=odoo',
      proof: 'pods-gone',
    });
    expect(kills).toBe(0);
    expect(journal).toEqual([
      expect.objectContaining({
        type: 'harness-event',
        detail: expect.stringContaining('peakproof import litmus FILE --run RUNDIR --fault kill'),
      }),
    ]);
  });
});
