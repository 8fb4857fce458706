/** The lab's control endpoint, for tests that need a known truth. It is no part of what a harness may rely on elsewhere. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { messageOf } from './lab-error.ts';
import type { Network } from './network/network.ts';
import type { PatroniCluster } from './patroni/cluster.ts';
import type { Sabotage } from './pod-runtime.ts';
import { childrenOf, commandOf, signalProcess } from './process-identity.ts';
import type { RedisServer } from './redis/server.ts';
import type { ProcessPods } from './runtime/pods.ts';

const LONGEST_FREEZE_MS = 600_000;
const DEEDS =
  'GET /state, POST /freeze {"ms", "wait"}, /thaw, /patroni/kill, /patroni/restart, /walsenders/freeze, /walsenders/thaw {"member"}';

export interface ControlParts {
  readonly name: string;
  readonly network: Network;
  readonly cluster: PatroniCluster;
  readonly redis: RedisServer;
  readonly pods: ProcessPods;
  readonly sabotage: Sabotage;
}

export async function startControl(port: number, parts: ControlParts): Promise<Server> {
  const server = createServer((request, response) => {
    response.setHeader('Connection', 'close');
    serve(request, parts).then(
      ({ status, body }) => send(response, status, body),
      (error: unknown) => send(response, 400, { error: messageOf(error) }),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1' }, resolve);
  });
  return server;
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function serve(request: IncomingMessage, parts: ControlParts): Promise<{ status: number; body: unknown }> {
  switch (`${request.method} ${request.url}`) {
    case 'GET /state':
      return { status: 200, body: await describe(parts) };
    case 'POST /freeze':
      return { status: 200, body: await freeze(await readBody(request), parts.network) };
    case 'POST /patroni/kill':
      return { status: 200, body: killPatroni(await readBody(request), parts) };
    case 'POST /patroni/restart':
      return { status: 200, body: await restartPatroni(await readBody(request), parts) };
    case 'POST /walsenders/freeze':
      return { status: 200, body: signalWalsenders(await readBody(request), parts, 'SIGSTOP') };
    case 'POST /walsenders/thaw':
      return { status: 200, body: signalWalsenders(await readBody(request), parts, 'SIGCONT') };
    case 'POST /thaw':
      return { status: 200, body: { span: await parts.network.thaw() } };
    default:
      return { status: 404, body: { error: `there are ${DEEDS}` } };
  }
}

/** Answers once the path is frozen; with `wait` only after the thaw, with the span as it was. */
async function freeze(body: Readonly<Record<string, unknown>>, network: Network): Promise<unknown> {
  const ms = body.ms ?? null;
  if (ms !== null && (typeof ms !== 'number' || !(ms > 0) || ms > LONGEST_FREEZE_MS)) {
    throw new Error(`ms must be a number from 1 to ${LONGEST_FREEZE_MS}, or left out`);
  }
  const span = network.freeze(ms);
  if (ms === null || body.wait === true) return await span;
  const frozen = await network.fetchState();
  return frozen.database.freezes.at(-1);
}

/** A member that is not named is the leader. */
function memberOf({ member }: Readonly<Record<string, unknown>>): string | null {
  return typeof member === 'string' && member !== '' ? member : null;
}

function killPatroni(body: Readonly<Record<string, unknown>>, { cluster }: ControlParts): unknown {
  return { member: cluster.killAgent(memberOf(body)) };
}

/** Ends the orphan: its agent finds that another member leads, and clones it anew. Repeated, it finds nothing to do. */
async function restartPatroni(body: Readonly<Record<string, unknown>>, { cluster }: ControlParts): Promise<unknown> {
  const name = memberOf(body);
  const dead = cluster.agents.filter(
    (agent) => !agent.present && agent.server.pid !== null && (name ?? agent.name) === agent.name,
  );
  await Promise.all(dead.map((agent) => cluster.podStarted(agent.name)));
  return { members: dead.map((agent) => agent.name) };
}

function signalWalsenders(
  body: Readonly<Record<string, unknown>>,
  { cluster }: ControlParts,
  signal: 'SIGSTOP' | 'SIGCONT',
): unknown {
  const name = memberOf(body);
  const pids = cluster.agents
    .filter((agent) => agent.name === (name ?? (signal === 'SIGSTOP' ? cluster.leader?.name : agent.name)))
    .flatMap(({ server: { pid } }) => (pid === null ? [] : childrenOf(pid)))
    .filter((pid) => commandOf(pid).includes('walsender'));
  if (pids.length === 0 && signal === 'SIGSTOP') throw new Error('there is no WAL sender');
  for (const pid of pids) signalProcess(pid, signal);
  return { pids };
}

async function readBody(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  const body = text === '' ? {} : (JSON.parse(text) as unknown);
  if (typeof body !== 'object' || body === null) throw new Error('the body must be a JSON object');
  return body as Readonly<Record<string, unknown>>;
}

async function describe(parts: ControlParts): Promise<unknown> {
  const { cluster, network, redis, pods } = parts;
  await Promise.all(cluster.agents.map((agent) => agent.refresh()));
  const state = await network.fetchState();
  return {
    name: parts.name,
    supervisorPid: process.pid,
    leader: cluster.leader?.name ?? null,
    postgres: cluster.agents.map((agent) => {
      const pid = agent.server.pid;
      const backends = pid === null ? [] : childrenOf(pid).map((child) => ({ pid: child, command: commandOf(child) }));
      return {
        name: agent.name,
        port: agent.server.port,
        pid,
        role: agent.view.role,
        timeline: agent.status?.timeline ?? null,
        activity: agent.activity,
        walsenderPids: backends.filter(({ command }) => command.includes('walsender')).map((backend) => backend.pid),
        walreceiverPids: backends.filter(({ command }) => command.includes('walreceiver')).map((backend) => backend.pid),
        backends: backends.length,
      };
    }),
    redis: { pid: redis.pid },
    erp: pods.erpPods.map(({ identity, status }) => ({ ...identity, ...status })),
    network: { pid: network.pid, ...state },
    sabotage: parts.sabotage,
  };
}
