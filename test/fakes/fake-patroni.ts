import type { Clock, PatroniCluster, PatroniConfig, PatroniMember, PatroniPort } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';

export interface FakePatroniOptions {
  readonly clock: Clock;
  readonly members?: readonly PatroniMember[];
  readonly paused?: boolean;
  readonly synchronous?: boolean;
  readonly moveMs?: number;
  /** Time the old primary takes to stream again after a move; null: it never does. */
  readonly rejoinMs?: number | null;
  /** What POST answers instead of moving. */
  readonly refusal?: string;
  /** POST is accepted and nothing happens. */
  readonly moveDoesNothing?: boolean;
}

export interface FakePatroni extends PatroniPort {
  readonly requests: string[];
  /** The primary dies: the first healthy standby takes over after `moveMs`. */
  crash(): void;
}

export function aMember(fields: Partial<PatroniMember> = {}): PatroniMember {
  return {
    name: 'pg-0',
    role: 'primary',
    state: 'running',
    host: '127.0.0.1',
    port: 5432,
    apiUrl: 'http://127.0.0.1:8008/patroni',
    timeline: 1,
    lagBytes: null,
    ...fields,
  };
}

export const aStandby = (fields: Partial<PatroniMember> = {}): PatroniMember =>
  aMember({ name: 'pg-1', role: 'replica', state: 'streaming', lagBytes: 0, ...fields });

/** A cluster of `pg-0` (primary) and `pg-1` that moves as Patroni does. */
export function createFakePatroni(options: FakePatroniOptions): FakePatroni {
  const { clock, moveMs = 2_000, rejoinMs = 3_000 } = options;
  let members: readonly PatroniMember[] = options.members ?? [aMember(), aStandby()];
  const steps: { readonly at: number; readonly run: () => void }[] = [];
  const after = (ms: number, run: () => void): void => {
    steps.push({ at: clock.monotonic() + ms, run });
  };
  const settle = (): void => {
    for (const step of steps.splice(0).sort((one, other) => one.at - other.at)) {
      if (step.at <= clock.monotonic()) step.run();
      else steps.push(step);
    }
  };
  const change = (name: string, fields: Partial<PatroniMember>): void => {
    members = members.map((member) => (member.name === name ? { ...member, ...fields } : member));
  };
  const promote = (): void => {
    const old = members.find(({ role }) => role === 'primary');
    const next = members.find(({ role }) => role !== 'primary');
    if (old === undefined || next === undefined) return;
    const timeline = old.timeline + 1;
    change(old.name, { role: 'replica', state: 'start failed', lagBytes: null });
    change(next.name, { role: 'primary', state: 'running', timeline, lagBytes: null });
    if (rejoinMs !== null) after(rejoinMs, () => change(old.name, { state: 'streaming', timeline, lagBytes: 0 }));
  };
  const move = async (request: string): Promise<string> => {
    fake.requests.push(request);
    if (options.refusal !== undefined) throw new HarnessError('ERR_PATRONI', `POST was refused: ${options.refusal} (412)`);
    await clock.sleep(moveMs);
    if (options.moveDoesNothing !== true) promote();
    return 'Successfully moved';
  };
  const fake: FakePatroni = {
    urls: ['http://127.0.0.1:8008'],
    requests: [],
    async fetchCluster(): Promise<PatroniCluster> {
      settle();
      return { scope: 'erp', paused: options.paused ?? false, members };
    },
    fetchConfig: async (): Promise<PatroniConfig> => ({
      ttlSeconds: 20,
      loopWaitSeconds: 1,
      retryTimeoutSeconds: 3,
      synchronousMode: options.synchronous ?? false,
      version: '4.1.5',
    }),
    fetchHistory: async () => [],
    switchover: (leader, candidate) => move(`switchover ${leader} ${candidate ?? '-'}`),
    failover: (candidate) => move(`failover ${candidate}`),
    async reinitialize(member) {
      fake.requests.push(`reinitialize ${member.name}`);
      const timeline = members.find(({ role }) => role === 'primary')?.timeline ?? 0;
      after(1_000, () => change(member.name, { state: 'streaming', timeline, lagBytes: 0 }));
      return 'reinitialize started';
    },
    crash: () => after(moveMs, promote),
  };
  return fake;
}
