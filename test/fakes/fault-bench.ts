/** Runs one fault against fakes as the schedule does, and keeps what it told. */
import type { Fault, FaultContext, FaultDoors, Injection, UndoEntry } from '../../chaos/fault.ts';
import type { FaultSpec } from '../../src/model/plan.ts';

export interface FaultBench extends FaultContext {
  readonly undone: UndoEntry[];
  /** What was opened and started, in order. */
  readonly story: string[];
}

export function createBench(doors: FaultDoors, signal: AbortSignal = new AbortController().signal): FaultBench {
  const undone: UndoEntry[] = [];
  const story: string[] = [];
  return {
    ...doors,
    runId: 'run-1',
    signal,
    undone,
    story,
    async openUndo(entry) {
      story.push('undo on disk');
      undone.push({ id: `undo-${undone.length}`, ...entry });
      return `undo-${undone.length - 1}`;
    },
    closeUndo: async () => undefined,
  };
}

/** plan, inject and prove at once, as in a run; `undo` is what a revert would be given. */
export async function disturb<Spec extends FaultSpec, Planned, Injected>(
  fault: Fault<Spec, Planned, Injected>,
  spec: Spec,
  bench: FaultBench,
) {
  const plan = await fault.plan(spec, bench);
  let proving: ReturnType<typeof fault.prove> | null = null;
  const started = (injection: Injection<Injected>): void => {
    bench.story.push('started');
    proving = fault.prove(spec, plan, injection, bench);
    proving.catch(() => undefined);
  };
  const injection = await fault.inject(spec, plan, bench, started);
  if (proving === null) throw new Error('the fault never told that it started');
  const proof = await (proving as ReturnType<typeof fault.prove>);
  const [undo] = bench.undone;
  if (undo === undefined) throw new Error('the fault opened no undo');
  return { plan, injection, proof, undo };
}
