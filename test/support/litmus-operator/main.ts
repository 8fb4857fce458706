/**
 * The stand-in as a process, beside a practice lab or a cluster that has the kinds of Litmus (test/fixtures/litmus/crds.yaml):
 * `node test/support/litmus-operator/main.ts --kubeconfig FILE --namespace erp [--speed 5] [--trap killsAfterStop]`
 */
import { parseArgs } from 'node:util';
import { systemClock } from '../../../src/clients/clock.ts';
import { createCustomObjectsPort } from '../../../src/clients/custom-objects.ts';
import { createKubernetesPort } from '../../../src/clients/kubernetes.ts';
import { startOperator, type Traps } from './operator.ts';

const { values } = parseArgs({
  options: {
    kubeconfig: { type: 'string' },
    namespace: { type: 'string', default: 'erp' },
    speed: { type: 'string', default: '1' },
    trap: { type: 'string', multiple: true, default: [] },
    'job-image': { type: 'string' },
  },
});
const options = { namespace: values.namespace, ...(values.kubeconfig !== undefined && { kubeconfig: values.kubeconfig }) };
const kubernetes = createKubernetesPort(options);
const objects = createCustomObjectsPort(options);
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
