import { resolve } from 'node:path';
import type { LabConnection } from '../connection.ts';
import { runDetached, type StartLab, startDetached, supervise } from '../detached.ts';
import { LabError } from '../lab-error.ts';
import { findLab, labDirectory } from '../lab-folder.ts';
import { type LabOptions, parseCount, parseLabName, parseRedisPolicy, parseSabotage } from '../options.ts';
import { startLab } from '../supervisor.ts';

export interface UpFlags {
  readonly name: string;
  readonly dir?: string;
  readonly detach: boolean;
  readonly json: boolean;
  /** True when given without a pid. */
  readonly exitWithParent?: string | true;
  readonly workersMin: string;
  readonly workersMax: string;
  readonly nodes: string;
  readonly synchronous: boolean;
  readonly redisMaxmemoryMib: string;
  readonly port?: string;
  readonly redisPolicy: string;
  readonly sabotage: readonly string[];
  readonly on: string;
  readonly context?: string;
  readonly node: boolean;
  readonly registry?: string;
}

function optionsOf(flags: UpFlags): LabOptions {
  const name = parseLabName(flags.name);
  const known = findLab(name);
  if (known !== undefined) {
    throw new LabError(`the lab "${name}" is already there, in ${known.dir}`, {
      hint: `stop it with "lab down --name ${name}", or use another --name`,
    });
  }
  const workersMin = parseCount('--workers-min', flags.workersMin, { min: 1, max: 50 });
  return {
    name,
    dir: flags.dir === undefined ? labDirectory(name) : resolve(flags.dir),
    workersMin,
    workersMax: parseCount('--workers-max', flags.workersMax, { min: workersMin, max: 50 }),
    nodes: parseCount('--nodes', flags.nodes, { min: 1, max: 10 }),
    synchronous: flags.synchronous,
    redisMaxMemoryMiB: parseCount('--redis-maxmemory-mib', flags.redisMaxmemoryMib, { min: 4, max: 65_536 }),
    redisPolicy: parseRedisPolicy(flags.redisPolicy),
    ingressPort: flags.port === undefined ? null : parseCount('--port', flags.port, { min: 1, max: 65_535 }),
    sabotage: parseSabotage(flags.sabotage),
    parentPid: parentOf(flags),
  };
}

function parentOf({ exitWithParent }: UpFlags): number | null {
  if (exitWithParent === undefined) return null;
  if (exitWithParent === true) return process.ppid;
  return parseCount('--exit-with-parent', exitWithParent, { min: 1, max: 2 ** 31 });
}

export async function runUp(flags: UpFlags): Promise<void> {
  const { program, options, start } = await labOf(flags);
  if (flags.detach) {
    print(await startDetached(program, options), flags);
    return;
  }
  const running = await supervise(start, options.parentPid, (line) => process.stderr.write(`${line}\n`));
  if (running === null) return;
  print(running.lab.connection, flags);
  await running.ended;
}

interface WantedLab {
  /** Its `supervise` takes the options. */
  readonly program: string;
  readonly options: LabOptions;
  readonly start: StartLab;
}

async function labOf(flags: UpFlags): Promise<WantedLab> {
  const options = optionsOf(flags);
  if (flags.on === 'processes') {
    for (const [option, given] of [
      ['--context', flags.context !== undefined],
      ['--node', flags.node],
      ['--registry', flags.registry !== undefined],
    ]) {
      if (given) throw new LabError(`${option} is for a lab on Kubernetes`, { hint: 'add --on kubernetes' });
    }
    return { program: 'processes/main', options, start: (progress) => startLab(options, progress) };
  }
  if (flags.on !== 'kubernetes') throw new LabError(`--on ${flags.on}: there are processes and kubernetes`);
  // Loaded only when asked for: the Kubernetes client takes a while.
  const { parseKubernetesOptions, startKubernetesLab } = await import('../../kubernetes/lab.ts');
  const onKubernetes = parseKubernetesOptions(options, flags);
  return {
    program: 'kubernetes/main',
    options: onKubernetes,
    start: (progress, signal) => startKubernetesLab(onKubernetes, progress, signal),
  };
}

function print(connection: LabConnection, { json }: UpFlags): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(connection)}\n`);
    return;
  }
  const lines = [
    [
      'Odoo',
      `${connection.odooUrl}  database ${connection.database}, login ${connection.login}, password in ${connection.passwordFile}`,
    ],
    ['Kubernetes', `kubectl --kubeconfig ${connection.kubeconfig} -n ${connection.namespace} get pods,deploy,hpa`],
    ['Patroni', connection.patroniUrls.join('  ')],
    ['PostgreSQL', `${connection.postgresUrl}  user ${connection.postgresUser}, password in ${connection.postgresPasswordFile}`],
    ['Redis', connection.redisUrl],
    ['Ingress', connection.ingressHealthUrl],
    ['Log', connection.logFile],
    ['Stop', `lab down --name ${connection.name}`],
  ];
  for (const [label = '', value = ''] of lines) process.stdout.write(`${label.padEnd(11)} ${value}\n`);
}

/** Body of the detached process. */
export async function runSupervise(text: string): Promise<void> {
  const options = JSON.parse(text) as LabOptions;
  await runDetached((progress) => startLab(options, progress), options.parentPid);
}
