/** The ERP's programs that are no pods: the migration, once, and the cron, always. */
import type { ChildProcess } from 'node:child_process';
import { LabError } from '../lab-error.ts';
import { WAITS } from '../wait.ts';
import { type ErpSettings, spawnErpProgram } from './erp-program.ts';

export interface BackgroundOptions {
  readonly logDescriptor: number;
  readonly onSpawn: (pid: number) => void;
}

/** Creates tables and master data. */
export async function migrate(settings: ErpSettings, options: BackgroundOptions): Promise<void> {
  const child = spawnErpProgram('migrate', settings, { ...options, name: 'migrate' });
  const timer = setTimeout(() => child.kill('SIGKILL'), WAITS.migration);
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('exit', resolve));
  clearTimeout(timer);
  if (code !== 0)
    throw new LabError(`the ERP's migration ended with ${code ?? 'a signal'}`, { hint: "see lab.log in the lab's folder" });
}

const RESTART_AFTER_MS = 2_000;

export class CronProgram {
  readonly #settings: ErpSettings;
  readonly #options: BackgroundOptions & { readonly log: (text: string) => void };
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(settings: ErpSettings, options: BackgroundOptions & { readonly log: (text: string) => void }) {
    this.#settings = settings;
    this.#options = options;
    this.#start();
  }

  #start(): void {
    this.#child = spawnErpProgram('cron', this.#settings, { ...this.#options, name: 'cron' });
    this.#child.once('exit', (code, signal) => {
      if (this.#stopped) return;
      this.#options.log(`the cron ended with ${code ?? signal} and is started again`);
      this.#timer = setTimeout(() => this.#start(), RESTART_AFTER_MS);
    });
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#child?.kill('SIGKILL');
  }
}
