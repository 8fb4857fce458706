/**
 * The stand-in as a process, beside a practice lab or a cluster:
 * `node test/support/litmus-operator/main.ts --kubeconfig FILE --namespace erp [--speed 5] [--install] [--trap killsAfterStop]`
 */
import { parseArgs } from 'node:util';
import { systemClock } from '../../../src/clients/clock.ts';
import { createCustomObjectsPort } from '../../../src/clients/custom-objects.ts';
import { createKubernetesPort } from '../../../src/clients/kubernetes.ts';
import { installLitmus, postDefinition } from './install.ts';
import { startOperator, type Traps } from './operator.ts';

const { values } = parseArgs({
  options: {
    kubeconfig: { type: 'string' },
    namespace: { type: 'string', default: 'erp' },
    speed: { type: 'string', default: '1' },
    /** Into the practice lab only: its API takes definitions without credentials. */
    install: { type: 'boolean', default: false },
    trap: { type: 'string', multiple: true, default: [] },
    'job-image': { type: 'string' },
  },
});
const options = { namespace: values.namespace, ...(values.kubeconfig !== undefined && { kubeconfig: values.kubeconfig }) };
const kubernetes = createKubernetesPort(options);
const objects = createCustomObjectsPort(options);
if (values.install) {
  const url = process.env.LAB_KUBERNETES_URL ?? '';
  await installLitmus(objects, async (definition) => {
    const response = await postDefinition(url, definition);
    if (!response.ok) throw new Error(`${definition.metadata?.name}: ${await response.text()}`);
  });
}
const operator = startOperator({
  objects,
  kubernetes,
  clock: systemClock,
  speed: Number(values.speed),
  traps: Object.fromEntries(values.trap.map((name) => [name, true])) as Traps,
  jobImage: values['job-image'] ?? null,
});
console.log(`plays chaos-operator in ${kubernetes.context}/${kubernetes.namespace}, ${values.speed} times as fast`);
process.once('SIGINT', () => void operator.stop());
process.once('SIGTERM', () => void operator.stop());
