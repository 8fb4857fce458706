import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../lab-error.ts';
import { findLab, type KnownLab, KUBERNETES_FILE, labDirectory, listLabs, registryFile } from '../lab-folder.ts';
import { type Removal, removeLab } from '../remove-lab.ts';

function chosen(flags: { readonly name?: string; readonly all: boolean }): readonly KnownLab[] {
  const labs = listLabs();
  if (flags.all) return labs;
  if (flags.name === undefined) {
    const [only, another] = labs;
    if (only !== undefined && another !== undefined) {
      throw new LabError(`there are ${labs.length} labs: ${labs.map(({ name }) => name).join(', ')}`, {
        hint: 'give --name or --all',
      });
    }
    return only === undefined ? [] : [only];
  }
  const known = findLab(flags.name);
  if (known !== undefined) return [known];
  // A supervisor that died before it could register its lab.
  const dir = labDirectory(flags.name);
  return existsSync(dir) ? [{ name: flags.name, dir }] : [];
}

async function remove(lab: KnownLab): Promise<Removal> {
  if (!existsSync(join(lab.dir, KUBERNETES_FILE))) return await removeLab(lab.dir, { supervisor: 'ask' });
  const { removeKubernetesLab } = await import('../../kubernetes/remove-lab.ts');
  return await removeKubernetesLab(lab.dir, { supervisor: 'ask' });
}

/** Stops labs. A lab that is not there is no error: what was asked for is already true. */
export async function runDown(flags: { readonly name?: string; readonly all: boolean; readonly json: boolean }): Promise<void> {
  const labs = chosen(flags);
  const results = await Promise.all(
    labs.map(async (lab) => {
      const { stopped } = await remove(lab);
      await rm(registryFile(lab.name), { force: true });
      return { name: lab.name, stoppedProcesses: stopped.map(({ pid, role, name }) => ({ pid, role, name })) };
    }),
  );
  if (flags.json) process.stdout.write(`${JSON.stringify(results)}\n`);
  else if (results.length === 0) process.stdout.write('no lab is running\n');
  else for (const { name } of results) process.stdout.write(`lab "${name}" is stopped and removed\n`);
}
