/** Puts a lab together and takes it apart: the one process that owns all the others. */
import { randomBytes } from 'node:crypto';
import { appendFileSync, closeSync, existsSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { dirname, join } from 'node:path';
import type { LabConnection } from './connection.ts';
import { startControl } from './control.ts';
import { postgresCommands } from './control-commands.ts';
import { DatabasePath } from './database-path.ts';
import type { RunningLab } from './detached.ts';
import { type KubernetesSide, startKubernetesSide } from './kubernetes-side.ts';
import { codeOf, LabError, messageOf } from './lab-error.ts';
import { recordProcess, registerLab, writeSecret } from './lab-folder.ts';
import { Network } from './network/network.ts';
import type { LabOptions } from './options.ts';
import { createPair, type Pair } from './pair.ts';
import { findFreePorts, requireFreePort } from './ports.ts';
import { findRedis } from './redis/find.ts';
import { RedisServer } from './redis/server.ts';
import { removeLab } from './remove-lab.ts';
import { CronProgram, migrate } from './runtime/background.ts';
import type { ErpSettings } from './runtime/erp-program.ts';
import { ProcessPods } from './runtime/pods.ts';
import { awaitCondition, WAITS } from './wait.ts';

const MAX_REDIS_CLIENTS = 200;

/** Starts a lab and resolves when it takes requests. `progress` gets one line a step. */
export async function startLab(options: LabOptions, progress: (line: string) => void): Promise<RunningLab> {
  claimFolder(options);
  const supervisor = new Supervisor(options, progress);
  try {
    return { connection: await supervisor.start(), stop: () => supervisor.stop() };
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}

/** Making the folder is the claim: of two labs that want the same one, one gets it. */
function claimFolder({ name, dir }: LabOptions): void {
  mkdirSync(dirname(dir), { recursive: true });
  try {
    mkdirSync(dir, { mode: 0o755 });
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST') throw cause;
    const hint = `stop that lab with "lab down --name ${name}", or use another --name or --dir`;
    throw new LabError(`${dir} is already there`, { hint, cause });
  }
  recordProcess(dir, 'supervisor', name, process.pid);
  registerLab(name, dir);
}

class Supervisor {
  readonly #options: LabOptions;
  readonly #progress: (line: string) => void;
  readonly #logDescriptor: number;
  #stopping: Promise<void> | null = null;
  #network: Network | null = null;
  #redis: RedisServer | null = null;
  #pair: Pair | null = null;
  #pods: ProcessPods | null = null;
  #cron: CronProgram | null = null;
  #kubernetes: KubernetesSide | null = null;
  #control: Server | null = null;

  constructor(options: LabOptions, progress: (line: string) => void) {
    this.#options = options;
    this.#progress = progress;
    this.#logDescriptor = openSync(this.#file('lab.log'), 'a', 0o600);
  }

  #file(name: string): string {
    return join(this.#options.dir, name);
  }

  #log(text: string): void {
    if (existsSync(this.#options.dir)) appendFileSync(this.#file('lab.log'), `${new Date().toISOString()} ${text}\n`);
  }

  #recordSabotage(name: string, detail: string): void {
    appendFileSync(this.#file('sabotage.ndjson'), `${JSON.stringify({ at: Date.now(), sabotage: name, detail })}\n`);
  }

  async start(): Promise<LabConnection> {
    const { name, dir, sabotage, ingressPort: wanted } = this.#options;
    const ports = await findFreePorts(9);
    const [databasePort = 0, freeIngressPort = 0, controlPort = 0, redisPort = 0, kubernetesPort = 0, ...memberPorts] = ports;
    const ingressPort = wanted === null ? freeIngressPort : await requireFreePort(wanted);
    const secrets = { superuserPassword: newPassword(), applicationPassword: newPassword(), adminPassword: newPassword() };
    const files = {
      password: this.#file('admin-password'),
      postgresPassword: this.#file('postgres-password'),
      sabotageLog: this.#file('sabotage.ndjson'),
      kubeconfig: this.#file('kubeconfig'),
    };
    writeSecret(files.password, secrets.adminPassword);
    writeSecret(files.postgresPassword, secrets.applicationPassword);
    writeFileSync(files.sabotageLog, '');

    const starting = { network: this.#startNetwork(databasePort, ingressPort), redis: this.#startRedis(redisPort) };
    const path = new DatabasePath({
      setTarget: async (port) => (await starting.network).setDatabaseTarget(port),
      neverRecover: sabotage['never-recover'] === true,
      onSabotage: (detail) => this.#recordSabotage('never-recover', detail),
    });
    const pair = await createPair({
      labName: name,
      labDirectory: dir,
      synchronous: this.#options.synchronous,
      secrets,
      postgresPorts: memberPorts.slice(0, 2),
      restPorts: memberPorts.slice(2, 4),
      path,
      log: (text) => this.#log(text),
    });
    this.#pair = pair;
    const [network, redis] = await Promise.all([starting.network, starting.redis, pair.created]);
    this.#progress('database files, Redis and ingress are ready');

    const erp: ErpSettings = {
      postgresUrl: `postgresql://erp@127.0.0.1:${databasePort}/erp`,
      postgresPassword: secrets.applicationPassword,
      redisUrl: `redis://127.0.0.1:${redisPort}/0`,
      database: 'erp',
      adminPassword: secrets.adminPassword,
      sabotage,
      sabotageLog: files.sabotageLog,
    };
    const databaseReady = Promise.withResolvers<void>();
    const pods = new ProcessPods({
      cluster: pair.cluster,
      erp,
      logDescriptor: this.#logDescriptor,
      databaseReady: databaseReady.promise,
      onSpawn: (pod, pid) => recordProcess(dir, 'erp', pod.name, pid),
      onWorkers: (workers) =>
        void network
          .setWorkers(workers)
          .then(() => network.checkWorkers())
          .catch(this.#ignoreWhenStopping),
      dropRestConnections: (member) => pair.dropRestConnections(member),
      log: (text) => this.#log(text),
    });
    this.#pods = pods;
    pair.cluster.start();
    this.#kubernetes = await startKubernetesSide({
      name,
      kubeconfigPath: files.kubeconfig,
      port: kubernetesPort,
      runtime: pods,
      cluster: pair.cluster,
      workers: { min: this.#options.workersMin, max: this.#options.workersMax },
      nodes: this.#options.nodes,
      sabotage,
      log: (text) => this.#log(text),
    });
    await awaitCondition('the PostgreSQL primary', () => (path.port === null ? undefined : true), {
      timeoutMs: WAITS.postgresAccepts,
    });
    const background = {
      logDescriptor: this.#logDescriptor,
      onSpawn: (pid: number) => recordProcess(dir, 'migrate', 'migrate', pid),
    };
    await migrate(erp, background);
    this.#progress('the database is migrated');
    databaseReady.resolve();
    this.#cron = new CronProgram(erp, {
      logDescriptor: this.#logDescriptor,
      onSpawn: (pid) => recordProcess(dir, 'cron', 'cron', pid),
      log: (text) => this.#log(text),
    });
    this.#control = await startControl(controlPort, { name, network, cluster: pair.cluster, redis, pods, sabotage });
    await this.#awaitReady(network, pair);

    const connection: LabConnection = {
      name,
      dir,
      odooUrl: `http://127.0.0.1:${ingressPort}`,
      database: 'erp',
      login: 'admin',
      passwordFile: files.password,
      kubeconfig: files.kubeconfig,
      ...this.#kubernetes.names,
      patroniUrls: memberPorts.slice(2, 4).map((port) => `http://127.0.0.1:${port}`),
      postgresUrl: `postgresql://127.0.0.1:${databasePort}/erp`,
      postgresStandbyUrls: memberPorts.slice(0, 2).map((port) => `postgresql://127.0.0.1:${port}/erp`),
      postgresUser: 'erp',
      postgresPasswordFile: files.postgresPassword,
      postgresCommands: postgresCommands(`http://127.0.0.1:${controlPort}`),
      redisUrl: erp.redisUrl,
      ingressHealthUrl: `http://127.0.0.1:${ingressPort}/ingress/health`,
      controlUrl: `http://127.0.0.1:${controlPort}`,
      supervisorPid: process.pid,
      sabotageLog: files.sabotageLog,
      logFile: this.#file('lab.log'),
    };
    writeFileSync(this.#file('lab.json'), JSON.stringify(connection, null, 2));
    return connection;
  }

  async #startNetwork(databasePort: number, ingressPort: number): Promise<Network> {
    const network = await Network.start({
      databasePort,
      ingressPort,
      labDirectory: this.#options.dir,
      logDescriptor: this.#logDescriptor,
      onSpawn: (pid) => recordProcess(this.#options.dir, 'network', 'network', pid),
      onExit: () => {
        if (this.#stopping === null) this.#log('the network process ended; the lab has no way in');
      },
    });
    this.#network = network;
    return network;
  }

  async #startRedis(port: number): Promise<RedisServer> {
    const found = await findRedis();
    this.#log(`Redis ${found.version}: ${found.reason}`);
    const redis = await RedisServer.start({
      found,
      port,
      directory: this.#file('redis'),
      maxMemoryMiB: this.#options.redisMaxMemoryMiB,
      policy: this.#options.redisPolicy,
      maxClients: MAX_REDIS_CLIENTS,
      logDescriptor: this.#logDescriptor,
      onSpawn: (pid) => recordProcess(this.#options.dir, 'redis', 'redis', pid),
    });
    this.#redis = redis;
    return redis;
  }

  async #awaitReady(network: Network, pair: Pair): Promise<void> {
    await awaitCondition(
      'every worker and the standby to be ready',
      async () => {
        await network.checkWorkers();
        const { ingress } = await network.fetchState();
        const ready = ingress.workers.filter((worker) => worker.ready).length;
        const streaming = pair.cluster.agents.some((agent) => agent.status?.streaming === true);
        if (ready < this.#options.workersMin || !streaming)
          throw new LabError(`${ready} workers ready, standby streaming: ${streaming}`);
        return true;
      },
      { timeoutMs: WAITS.labReady, everyMs: 50 },
    );
  }

  readonly #ignoreWhenStopping = (error: unknown): void => {
    if (this.#stopping === null) this.#log(messageOf(error));
  };

  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    this.#control?.closeAllConnections();
    this.#control?.close();
    this.#cron?.stop();
    this.#pair?.cluster.stop();
    const steps = [() => this.#kubernetes?.close(), () => this.#pods?.close(), () => this.#pair?.close()];
    for (const step of [...steps, () => this.#redis?.stop(), () => this.#network?.stop()]) {
      try {
        await step();
      } catch (error) {
        this.#log(`while stopping: ${messageOf(error)}`);
      }
    }
    // Whatever a failed start or stop left.
    await removeLab(this.#options.dir, { supervisor: 'gone' });
    closeSync(this.#logDescriptor);
  }
}

/** Letters and digits only, so that it can stand in SQL text and URLs as it is. */
function newPassword(): string {
  return randomBytes(18).toString('hex');
}
