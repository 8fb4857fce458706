import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubernetesStatus } from '../../kubernetes/status.ts';
import type { LabConnection } from '../connection.ts';
import { type KnownLab, KUBERNETES_FILE, listLabs, livingProcesses } from '../lab-folder.ts';

export interface LabStatus {
  readonly name: string;
  readonly dir: string;
  /** `orphaned`: its supervisor is gone; `lab down` cleans up. */
  readonly state: 'starting' | 'running' | 'orphaned';
  readonly processes: readonly { readonly pid: number; readonly role: string; readonly name: string }[];
  readonly connection: LabConnection | null;
  /** Absent: a lab of processes. */
  readonly kubernetes?: KubernetesStatus;
}

async function statusOf({ name, dir }: KnownLab): Promise<LabStatus> {
  const living = livingProcesses(dir);
  const file = join(dir, 'lab.json');
  const connection = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as LabConnection) : null;
  const supervised = living.some(({ role }) => role === 'supervisor');
  return {
    name,
    dir,
    state: supervised ? (connection === null ? 'starting' : 'running') : 'orphaned',
    processes: living.map(({ pid, role, name: label }) => ({ pid, role, name: label })),
    connection,
    ...(await kubernetesStatus(dir)),
  };
}

async function kubernetesStatus(dir: string): Promise<{ readonly kubernetes?: KubernetesStatus }> {
  if (!existsSync(join(dir, KUBERNETES_FILE))) return {};
  const { describeKubernetesLab } = await import('../../kubernetes/status.ts');
  const kubernetes = await describeKubernetesLab(dir);
  return kubernetes === null ? {} : { kubernetes };
}

export async function runStatus({ json }: { readonly json: boolean }): Promise<void> {
  const labs = await Promise.all(listLabs().map(statusOf));
  if (json) {
    process.stdout.write(`${JSON.stringify(labs)}\n`);
    return;
  }
  if (labs.length === 0) process.stdout.write('no lab is running\n');
  for (const lab of labs) {
    process.stdout.write(`${lab.name}  ${lab.state}  ${lab.connection?.odooUrl ?? ''}  ${lab.dir}\n`);
    for (const { pid, role, name } of lab.processes) process.stdout.write(`  ${String(pid).padStart(7)}  ${role}  ${name}\n`);
    for (const line of lab.kubernetes?.notes ?? []) process.stdout.write(`  ${line}\n`);
  }
}
