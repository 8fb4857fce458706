/** From a plan, and the lab when the plan asks for one, to the doors of a run. */
import type { FaultDoors } from '../../chaos/fault.ts';
import { systemClock } from '../clients/clock.ts';
import { createCommandPort } from '../clients/command.ts';
import { createCustomObjectsPort } from '../clients/custom-objects.ts';
import { createKubernetesPort } from '../clients/kubernetes.ts';
import { createOdooClient } from '../clients/odoo/client.ts';
import { createPatroniPort } from '../clients/patroni.ts';
import { createPodExecPort } from '../clients/pod-exec.ts';
import type { OdooPort, SessionStorePort } from '../clients/ports.ts';
import { createPostgresPort } from '../clients/postgres.ts';
import { readSecret } from '../clients/secrets.ts';
import { HarnessError } from '../errors.ts';
import type { Connections, LabConnection } from '../model/connections.ts';
import type { Plan, RedisTarget } from '../model/plan.ts';
import { openRedisDoors } from './redis-doors.ts';

/** @throws HarnessError ERR_USAGE when the plan wants a lab and none is given. */
export function connectionsOf(plan: Plan, lab: LabConnection | undefined): Connections {
  if (plan.target.kind === 'odoo') {
    return {
      odoo: plan.target,
      guard: plan.guard,
      ...(plan.kubernetes && { kubernetes: plan.kubernetes }),
      ...(plan.postgres && { postgres: plan.postgres }),
      ...(plan.redis && { redis: plan.redis }),
      ...(plan.ingressHealthUrl && { ingressHealthUrl: plan.ingressHealthUrl }),
    };
  }
  if (lab === undefined)
    throw new HarnessError('ERR_USAGE', `plan "${plan.name}" runs against a lab, and none was given`, {
      hint: 'start one with "peakproof lab up --detach --json > lab.json" and pass --lab lab.json',
    });
  const postgresUrl = new URL(lab.postgresUrl);
  postgresUrl.username = lab.postgresUser;
  const standbyUrls = lab.postgresStandbyUrls.map((text) => {
    const url = new URL(text);
    url.username = lab.postgresUser;
    return url.href;
  });
  return {
    odoo: { kind: 'odoo', url: lab.odooUrl, database: lab.database, login: lab.login, password: { file: lab.passwordFile } },
    kubernetes: {
      kubeconfig: lab.kubeconfig,
      context: lab.context,
      namespace: lab.namespace,
      deployment: lab.deployment,
      hpa: lab.hpa,
      hpaSyncMs: lab.hpaSyncSeconds * 1_000,
    },
    postgres: {
      driver: 'patroni',
      patroniUrls: lab.patroniUrls,
      connection: { url: postgresUrl.href, standbyUrls, password: { file: lab.postgresPasswordFile } },
      ...(lab.postgresCommands && { commands: lab.postgresCommands }),
    },
    redis: redisOf(lab, plan),
    ingressHealthUrl: lab.ingressHealthUrl,
    // A lab is made to be broken: its own names, and nothing else, are allowed.
    guard: {
      contexts: [lab.context],
      namespaces: [lab.namespace],
      hosts: hostsOf(lab),
      databases: [lab.database, postgresUrl.pathname.slice(1)],
    },
  };
}

function redisOf({ redisUrl, redisPasswordFile, redisSentinels }: LabConnection, { redis }: Plan): RedisTarget {
  return {
    url: redisUrl,
    ...(redisPasswordFile !== undefined && { password: { file: redisPasswordFile } }),
    ...(redisSentinels && {
      sentinels: {
        urls: redisSentinels.urls,
        master: redisSentinels.master,
        ...(redisSentinels.passwordFile !== undefined && { password: { file: redisSentinels.passwordFile } }),
        ...(redisSentinels.addressMap && { addressMap: redisSentinels.addressMap }),
      },
    }),
    ...(redis?.commands && { commands: redis.commands }),
  };
}

function hostsOf(lab: LabConnection): string[] {
  const { urls: sentinels = [], addressMap = {} } = lab.redisSentinels ?? {};
  const urls = [lab.odooUrl, lab.postgresUrl, lab.redisUrl, ...lab.patroniUrls, ...lab.postgresStandbyUrls, ...sentinels];
  const mapped = Object.values(addressMap).map((address) => `redis://${address}`);
  return [...new Set([...urls, ...mapped].map((url) => new URL(url).hostname))];
}

export interface Doors {
  readonly odoo: OdooPort;
  readonly faults: FaultDoors;
  /** As the application writes sessions; absent without Redis. */
  readonly sessions?: SessionStorePort;
  close(): Promise<void>;
}

/**
 * Opens nothing yet: every port connects when it is used.
 * @throws HarnessError ERR_SECRET_MISSING naming the variable or file.
 */
export async function openDoors(connections: Connections, env: NodeJS.ProcessEnv): Promise<Doors> {
  const { odoo, kubernetes, postgres, redis } = connections;
  const password = await readSecret(odoo.password, env);
  const connection = postgres?.connection;
  const postgresPassword = connection?.password && (await readSecret(connection.password, env));
  const database = (url: string) =>
    createPostgresPort({ url, ...(postgresPassword !== undefined && { password: postgresPassword }) });
  const main = connection && database(connection.url);
  const standbys = connection?.standbyUrls.map(database) ?? [];
  const redisDoors = redis && (await openRedisDoors(redis, env, systemClock));
  return {
    odoo: createOdooClient({ url: odoo.url, database: odoo.database, login: odoo.login, password }),
    faults: {
      clock: systemClock,
      commands: createCommandPort(),
      ...(kubernetes && {
        kubernetes: createKubernetesPort(kubernetes),
        allowedNamespaces: connections.guard.namespaces,
        customObjects: createCustomObjectsPort(kubernetes),
        podExec: createPodExecPort(kubernetes),
      }),
      ...(postgres && { postgresTarget: postgres }),
      ...(postgres?.driver === 'patroni' && { patroni: createPatroniPort(postgres.patroniUrls) }),
      ...(main && { postgres: main }),
      ...(standbys.length > 0 && { postgresStandbys: standbys }),
      ...(redisDoors && { redis: redisDoors.redis }),
      ...(redisDoors?.sentinel && { sentinel: redisDoors.sentinel }),
      ...(redis && { redisTarget: redis }),
    },
    ...(redisDoors && { sessions: redisDoors.sessions }),
    async close() {
      await Promise.allSettled([main, ...standbys, redisDoors].map((port) => port?.close()));
    },
  };
}
