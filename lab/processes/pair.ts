/** The PostgreSQL pair of a lab: files made, agents and REST servers ready; servers start with their pods. */
import { chmodSync, mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabasePath } from './database-path.ts';
import { recordFolder, recordProcess } from './lab-folder.ts';
import { PatroniCluster } from './patroni/cluster.ts';
import { labConfig } from './patroni/dynamic-config.ts';
import { PatroniRest } from './patroni/rest.ts';
import { findPostgresBinaries } from './postgres/binaries.ts';
import { type ClusterSecrets, copyCluster, createCluster } from './postgres/data-directory.ts';
import { PostgresMember } from './postgres/member.ts';
import { postgresUser, reachableFolder } from './unprivileged.ts';

export const MEMBER_NAMES = ['postgres-0', 'postgres-1'] as const;

export interface PairOptions {
  readonly labName: string;
  readonly labDirectory: string;
  readonly synchronous: boolean;
  readonly secrets: ClusterSecrets;
  readonly postgresPorts: readonly number[];
  readonly restPorts: readonly number[];
  readonly path: DatabasePath;
  readonly log: (text: string) => void;
}

export interface Pair {
  readonly cluster: PatroniCluster;
  /** Both members have their files. */
  readonly created: Promise<void>;
  dropRestConnections(member: string): void;
  close(): Promise<void>;
}

export async function createPair(options: PairOptions): Promise<Pair> {
  const binaries = findPostgresBinaries();
  const user = postgresUser();
  options.log(`PostgreSQL ${binaries.version}: ${binaries.reason}`);
  const folder = makeDataFolder(options, user);
  const servers = MEMBER_NAMES.map((name, index) => {
    const port = options.postgresPorts[index] ?? 0;
    return new PostgresMember({
      name,
      port,
      directory: join(folder, name),
      binaries,
      user,
      superuserPassword: options.secrets.superuserPassword,
      onSpawn: (pid) => recordProcess(options.labDirectory, 'postgres', name, pid),
      onExit: () => {
        options.log(`PostgreSQL ${name} ended`);
        void options.path.serverEnded(port);
      },
    });
  });
  const cluster = new PatroniCluster({
    scope: `peakproof-lab-${options.labName}`,
    servers,
    config: labConfig({ synchronous: options.synchronous }),
    onLeader: (port) => options.path.point(port),
    log: options.log,
  });
  const restPorts = new Map(MEMBER_NAMES.map((name, index) => [name as string, options.restPorts[index] ?? 0]));
  const rests = new Map(cluster.agents.map((agent) => [agent.name, new PatroniRest(cluster, agent, restPorts)]));
  await Promise.all([...rests].map(([name, rest]) => rest.listen(restPorts.get(name) ?? 0)));

  const [first, ...others] = servers;
  const created = (async () => {
    if (first === undefined) return;
    const onSpawn = (pid: number): void => recordProcess(options.labDirectory, 'bootstrap', 'postgres', pid);
    await createCluster({ binaries, user, onSpawn }, first.dataDirectory, options.secrets);
    // Copied while nothing runs: the standby starts from the very same files, WAL included.
    await Promise.all(others.map((server) => copyCluster(first.dataDirectory, server.dataDirectory, { user, wal: true })));
  })();
  return {
    cluster,
    created,
    dropRestConnections: (member) => rests.get(member)?.dropConnections(),
    async close() {
      cluster.stop();
      await Promise.all([...rests.values()].map((rest) => rest.close()));
    },
  };
}

/** Beside the lab's other files when the server's user can get there, else where it can. */
function makeDataFolder(options: PairOptions, user: ReturnType<typeof postgresUser>): string {
  const reachable = reachableFolder(options.labDirectory, user);
  const inside = reachable === options.labDirectory;
  const folder = inside ? join(reachable, 'postgres') : mkdtempSync(join(reachable, `lab-${options.labName}-`));
  recordFolder(options.labDirectory, folder);
  for (const path of [folder, ...MEMBER_NAMES.map((name) => join(folder, name))]) {
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o711);
  }
  return folder;
}
