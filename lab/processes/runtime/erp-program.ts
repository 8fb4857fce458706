/** How the ERP's programs are started: a worker, the migration, the cron. */
import { type ChildProcess, spawn } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { labProgram } from '../../package-root.ts';
import type { Sabotage } from '../pod-runtime.ts';

export interface ErpSettings {
  /** `postgresql://erp@127.0.0.1:PORT/erp`, through the lab's database path. */
  readonly postgresUrl: string;
  readonly postgresPassword: string;
  readonly redisUrl: string;
  readonly database: string;
  readonly adminPassword: string;
  readonly sabotage: Sabotage;
  readonly sabotageLog: string;
}

export type ErpProgram = 'worker' | 'migrate' | 'cron';

/** Settings of the ERP that a caller of `lab up` gave in its own environment (`ERP_SERVICE_FACTOR`, ...); docs/lab.md lists them. */
function settingsFromEnvironment(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      name.startsWith('ERP_') && value !== undefined ? [[name, value]] : [],
    ),
  );
}

export function spawnErpProgram(
  program: ErpProgram,
  settings: ErpSettings,
  options: { readonly name: string; readonly logDescriptor: number; readonly onSpawn: (pid: number) => void },
): ChildProcess {
  const child = spawn(
    process.execPath,
    ['--import', pathToFileURL(labProgram('processes/exit-with-supervisor')).href, labProgram(`erp/${program}`)],
    {
      env: {
        PATH: process.env.PATH ?? '',
        NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
        TZ: 'UTC',
        ...settingsFromEnvironment(),
        ERP_HOST: '127.0.0.1',
        ERP_PORT: '0',
        ERP_WORKER_NAME: options.name,
        ERP_POSTGRES_URL: settings.postgresUrl,
        PGPASSWORD: settings.postgresPassword,
        ERP_REDIS_URL: settings.redisUrl,
        ERP_DATABASE: settings.database,
        ...(program === 'migrate' ? { ERP_ADMIN_PASSWORD: settings.adminPassword } : {}),
        ERP_SABOTAGE: JSON.stringify(settings.sabotage),
        ERP_SABOTAGE_LOG: settings.sabotageLog,
      },
      stdio: ['pipe', program === 'worker' ? 'pipe' : options.logDescriptor, options.logDescriptor],
      // A Ctrl-C meant for the supervisor must not end the workers before it says so.
      detached: true,
    },
  );
  if (child.pid !== undefined) options.onSpawn(child.pid);
  return child;
}
