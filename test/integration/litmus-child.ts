/** A harness that is about to be killed: opens its undo on disk, then lets Litmus kill pods. For chaos-litmus.test.ts. */
import { litmusEngine } from '../../chaos/litmus/engine.ts';
import { systemClock } from '../../src/clients/clock.ts';
import { createCustomObjectsPort } from '../../src/clients/custom-objects.ts';
import { createKubernetesPort } from '../../src/clients/kubernetes.ts';
import type { LitmusEngineSpec } from '../../src/model/plan.ts';
import { openUndoLog } from '../../src/run/undo.ts';

const [undoFile = '', kubeconfig = '', text = ''] = process.argv.slice(2);
const spec = JSON.parse(text) as LitmusEngineSpec;
const options = { kubeconfig, namespace: 'erp' };
const undo = await openUndoLog(undoFile, { schemaVersion: 1, file: 'undo', runId: 'killed' }, systemClock);
const context = {
  clock: systemClock,
  kubernetes: createKubernetesPort(options),
  customObjects: createCustomObjectsPort(options),
  runId: 'killed',
  signal: new AbortController().signal,
  openUndo: undo.open,
  closeUndo: undo.closeEntry,
};
await litmusEngine.inject(spec, await litmusEngine.plan(spec, context), context, () => undefined);
// Nobody closes the undo: this process is killed before, or stays until it is.
setInterval(() => undefined, 1_000);
