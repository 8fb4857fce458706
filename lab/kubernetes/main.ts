/** The detached process of a lab on Kubernetes: started by `lab up --detach`, which tells it everything. */
import { runDetached } from '../processes/detached.ts';
import { type KubernetesLabOptions, startKubernetesLab } from './lab.ts';

const [command, text = ''] = process.argv.slice(2);
if (command !== 'supervise') throw new Error('started by "lab up --on kubernetes --detach" only');
const options = JSON.parse(text) as KubernetesLabOptions;
await runDetached((progress, signal) => startKubernetesLab(options, progress, signal), options.parentPid);
