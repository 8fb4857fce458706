/** Takes a lab on Kubernetes away, whatever became of the one who started it. Safe to run twice. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabError } from '../processes/lab-error.ts';
import { KUBERNETES_FILE, listLabs, livingProcesses } from '../processes/lab-folder.ts';
import { isSameProcess, signalProcess } from '../processes/process-identity.ts';
import { type Removal, type RemovalOptions, removeLab } from '../processes/remove-lab.ts';
import { awaitCondition } from '../processes/wait.ts';
import { openCluster, orNull } from './cluster.ts';
import { removeStaleRoots } from './images/folder.ts';
import { VOLUMES, volumeName } from './manifests.ts';
import { nodeDown } from './node/index.ts';

/** What is to be taken away in the cluster; on disk before anything is there. */
export type KubernetesRecord =
  | { readonly kind: 'node'; readonly stateDir: string; readonly namespace: string; readonly nodeIsOurs: boolean }
  | { readonly kind: 'context'; readonly context: string; readonly kubeconfig: string; readonly namespace: string };

const SUPERVISOR_STOPS_MS = 120_000;
const NAMESPACE_GONE_MS = 90_000;

export function recordKubernetes(dir: string, record: KubernetesRecord): void {
  writeFileSync(join(dir, KUBERNETES_FILE), JSON.stringify(record));
}

export function readKubernetesRecord(dir: string): KubernetesRecord | null {
  const file = join(dir, KUBERNETES_FILE);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as KubernetesRecord) : null;
}

export async function removeKubernetesLab(dir: string, options: RemovalOptions): Promise<Removal> {
  if (options.supervisor === 'ask' && (await stopSupervisor(dir))) return { stopped: [] };
  const record = readKubernetesRecord(dir);
  if (record?.kind === 'node' && record.nodeIsOurs && !handOver(dir, record.stateDir))
    await nodeDown({ stateDir: record.stateDir });
  else if (record !== null) await removeNamespace(record);
  await removeStaleRoots();
  return await removeLab(dir, { supervisor: 'gone' });
}

/** Another lab on the same node becomes the one that takes it away. False when there is none. */
function handOver(dir: string, stateDir: string): boolean {
  for (const other of listLabs()) {
    const record = readKubernetesRecord(other.dir);
    if (other.dir === dir || record?.kind !== 'node' || record.stateDir !== stateDir) continue;
    recordKubernetes(other.dir, { ...record, nodeIsOurs: true });
    return true;
  }
  return false;
}

/** True when there was one, and it has taken the whole lab away. */
async function stopSupervisor(dir: string): Promise<boolean> {
  const supervisor = livingProcesses(dir).find(({ role, pid }) => role === 'supervisor' && pid !== process.pid);
  if (supervisor === undefined) return false;
  signalProcess(supervisor.pid, 'SIGTERM');
  const gone = () => (isSameProcess(supervisor.pid, supervisor.token) ? undefined : true);
  try {
    await awaitCondition(`supervisor ${supervisor.pid} to stop its lab`, gone, { timeoutMs: SUPERVISOR_STOPS_MS, everyMs: 100 });
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    signalProcess(supervisor.pid, 'SIGKILL');
    await awaitCondition(`supervisor ${supervisor.pid} to be gone`, gone, { timeoutMs: 5_000 });
  }
  return !existsSync(dir);
}

async function removeNamespace(record: KubernetesRecord): Promise<void> {
  const source = record.kind === 'node' ? nodeSource(record.stateDir) : record;
  if (source === null) return;
  const { core } = openCluster(source);
  const { namespace: name } = record;
  if ((await orNull(core.deleteNamespace({ name, gracePeriodSeconds: 0 }))) === null) return;
  // Pods of a database take their time to end in good order; nobody needs that any more.
  await core.deleteCollectionNamespacedPod({ namespace: name, gracePeriodSeconds: 0 });
  await awaitCondition(
    `namespace ${name} to be gone`,
    async () => ((await orNull(core.readNamespace({ name }))) === null ? true : undefined),
    {
      timeoutMs: NAMESPACE_GONE_MS,
      everyMs: 500,
    },
  );
  if (record.kind === 'context') return;
  for (const member of VOLUMES) await orNull(core.deletePersistentVolume({ name: volumeName(name, member) }));
}

/** Null when that node is gone, and the lab with it. */
function nodeSource(stateDir: string): { readonly kubeconfig: string; readonly context: string } | null {
  const file = join(stateDir, 'connection.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { kubeconfig: string; context: string }) : null;
}
