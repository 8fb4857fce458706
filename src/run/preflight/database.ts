/** Is the database in the state from which it can fail over, and what would that cost? */
import type { PatroniMember } from '../../clients/ports.ts';
import type { Plan, PostgresFailoverSpec } from '../../model/plan.ts';
import type { Findings, PreflightContext } from './findings.ts';

/** Patroni's default `maximum_lag_on_failover`: a standby further behind does not take over by itself. */
const MAX_LAG_BYTES = 1_048_576;
/** Below this Patroni itself refuses a `ttl`; only a lab has one. */
const MIN_TTL_SECONDS = 20;
/** After these the standby has to notice by itself that the primary is gone. */
const UNPLANNED: readonly PostgresFailoverSpec['mode'][] = ['crash', 'frozen-walsender'];

const failovers = (plan: Plan): readonly PostgresFailoverSpec[] =>
  plan.faults.filter((spec): spec is PostgresFailoverSpec => spec.kind === 'postgres/failover');
const allowsNoLoss = (plan: Plan): boolean =>
  plan.objectives.some((objective) => objective.kind === 'data-loss' && objective.maxLostWrites === 0);

export async function checkDatabase(context: PreflightContext, findings: Findings): Promise<void> {
  const { patroni } = context.doors.faults;
  if (patroni === undefined) {
    await checkPlain(context, findings);
    return;
  }
  const at = 'patroni';
  const state = await findings.attempt({ check: 'patroni', at }, async () => ({
    cluster: await patroni.fetchCluster(),
    config: await patroni.fetchConfig(),
  }));
  if (state === undefined) return;
  const { plan } = context;
  const faults = failovers(plan);
  const { cluster, config } = state;
  const paused = { check: 'patroni-paused', at };
  const resume = 'resume it: patronictl resume';
  if (cluster.paused) findings.missing(paused, faults.length > 0, 'Patroni is paused: it lets the database go down', resume);
  else findings.ok(paused, 'Patroni is not paused');
  checkTimes(plan, config, findings);
  checkSynchronous(plan, config.synchronousMode, findings);
  checkLag(
    faults,
    cluster.members.filter(({ role }) => role === 'replica' || role === 'sync_standby'),
    findings,
  );
}

function checkTimes(
  plan: Plan,
  { ttlSeconds, loopWaitSeconds }: { readonly ttlSeconds: number; readonly loopWaitSeconds: number },
  findings: Findings,
): void {
  const finding = { check: 'patroni-ttl', at: 'patroni' };
  const boundMs = (ttlSeconds + loopWaitSeconds) * 1_000;
  const told = `ttl ${ttlSeconds} s, loop_wait ${loopWaitSeconds} s: a crash is answered within ${boundMs / 1_000} s${ttlSeconds < MIN_TTL_SECONDS ? `; a ttl below ${MIN_TTL_SECONDS} s is for labs only` : ''}`;
  const crashes = new Set(
    failovers(plan)
      .filter(({ mode }) => UNPLANNED.includes(mode))
      .map(({ id }) => id),
  );
  const short = plan.objectives.find(
    (objective) => objective.kind === 'recovery' && crashes.has(objective.fault) && objective.maxRecoveryMs < boundMs,
  );
  if (short?.kind === 'recovery') {
    findings.warn(
      finding,
      `${told}; objective "${short.id}" allows ${short.maxRecoveryMs / 1_000} s, less than that`,
      'a miss would be the configuration: lower ttl and loop_wait, or the promise',
    );
  } else findings.ok(finding, told);
}

function checkSynchronous(plan: Plan, synchronous: boolean, findings: Findings): void {
  const finding = { check: 'synchronous-mode', at: 'patroni' };
  const breaks = failovers(plan).some(({ mode }) => mode !== 'switchover');
  if (synchronous) findings.ok(finding, 'synchronous: an acknowledged commit is on a standby');
  else if (breaks && allowsNoLoss(plan)) {
    findings.warn(
      finding,
      'asynchronous: a crash loses what the standby has not got yet, and an objective allows no lost write',
      'that is what the run will show; synchronous_mode: true is the way to keep the promise',
    );
  } else findings.ok(finding, 'asynchronous: a crash loses what the standby has not got yet');
}

function checkLag(faults: readonly PostgresFailoverSpec[], standbys: readonly PatroniMember[], findings: Findings): void {
  const finding = { check: 'standby-lag', at: 'patroni' };
  const needed = faults.length > 0;
  const healthy = standbys.filter(({ state }) => state === 'streaming' || state === 'running');
  const told = standbys.map(({ name, state, lagBytes }) => `${name} ${state}, ${lagBytes ?? 'unknown'} bytes behind`).join('; ');
  if (healthy.length === 0) {
    findings.missing(
      finding,
      needed,
      `no standby is streaming${told === '' ? '' : ` (${told})`}`,
      'repair a standby first: patronictl reinit',
    );
  } else if (healthy.every(({ lagBytes }) => (lagBytes ?? 0) > MAX_LAG_BYTES)) {
    findings.missing(
      finding,
      needed,
      `every standby is more than ${MAX_LAG_BYTES} bytes behind (${told}): by default none may take over`,
      'wait until one has caught up, or see what slows replication',
    );
  } else findings.ok(finding, told);
}

/** Without Patroni, the primary's own view of its standbys. */
async function checkPlain({ plan, doors }: PreflightContext, findings: Findings): Promise<void> {
  const { postgres } = doors.faults;
  if (postgres === undefined) return;
  const at = `postgres ${postgres.label}`;
  const status = await findings.attempt({ check: 'standby-lag', at }, () => postgres.fetchStatus());
  if (status === undefined) return;
  const needed = failovers(plan).length > 0;
  const told = status.replicas.map(
    ({ name, state, syncState, replayLagBytes }) => `${name} ${state} (${syncState}), ${replayLagBytes} bytes behind`,
  );
  const finding = { check: 'standby-lag', at };
  if (status.replicas.length === 0) {
    findings.missing(finding, needed, 'the primary sees no standby', 'is this the primary, and does a standby stream from it?');
  } else if (status.replicas.every(({ replayLagBytes }) => replayLagBytes > MAX_LAG_BYTES)) {
    findings.missing(
      finding,
      needed,
      `every standby is more than ${MAX_LAG_BYTES} bytes behind: ${told.join('; ')}`,
      'wait until one has caught up',
    );
  } else findings.ok(finding, told.join('; '));
  const synchronous = status.replicas.some(({ syncState }) => syncState === 'sync' || syncState === 'quorum');
  const sync = { check: 'synchronous-mode', at };
  if (synchronous) findings.ok(sync, 'a standby is synchronous: an acknowledged commit is on it');
  else if (needed && allowsNoLoss(plan))
    findings.warn(sync, 'no standby is synchronous, and an objective allows no lost write', 'set synchronous_standby_names');
  else findings.ok(sync, 'no standby is synchronous: a crash loses what they have not got yet');
}
