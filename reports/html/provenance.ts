/** Where it was measured, and how to measure or judge it again. */
import type { ComponentChildren, VNode } from 'preact';
import type { Evaluation } from '../../src/model/evaluation.ts';
import type { EnvironmentRecord } from '../../src/model/run-records.ts';
import { formatCount, formatDuration, formatInstant, formatValue } from '../format.ts';
import { repeatCommands } from '../wording.ts';
import { h } from './element.ts';
import { definitions, section } from './parts.ts';

type Pair = readonly [string, ComponentChildren];

export function environmentSection({ environment, plan, startedAt, endedAt }: Evaluation): VNode {
  return section(
    'environment',
    'Environment and seed',
    null,
    h(
      'div',
      { class: 'columns' },
      group('Run', [
        ['Plan', plan.name],
        ['Plan digest', h('code', null, plan.digest)],
        ['Seed', h('code', null, String(plan.seed))],
        ['From', formatInstant(startedAt)],
        ['To', formatInstant(endedAt)],
      ]),
      group('Target', targetPairs(environment)),
      group('Harness', [
        ['Peakproof', environment.harnessVersion],
        ['Node.js', environment.nodeVersion],
        ['k6', environment.k6Version],
        [
          'Host',
          `${environment.host.platform}, ${environment.host.cpus} CPUs, ${formatValue(environment.host.memoryBytes, 'bytes')}`,
        ],
        ...environment.clockOffsets.map(
          (one): Pair => [`Clock of ${one.source}`, `${one.offsetMs >= 0 ? '+' : '−'}${formatDuration(Math.abs(one.offsetMs))}`],
        ),
      ]),
      ...platformGroups(environment),
    ),
  );
}

function group(title: string, pairs: readonly Pair[]): VNode {
  return h('div', null, h('h3', null, title), definitions(pairs));
}

function targetPairs({ target }: EnvironmentRecord): readonly Pair[] {
  return [
    ['Kind', target.kind],
    ['Odoo', target.version],
    ['URL', h('code', null, target.url)],
    ['Database', h('code', null, target.database)],
  ];
}

function platformGroups({ kubernetes, postgres, redis }: EnvironmentRecord): readonly VNode[] {
  const groups: VNode[] = [];
  if (kubernetes !== undefined) {
    groups.push(
      group('Kubernetes', [
        ['Version', kubernetes.version],
        ['Context', kubernetes.context],
        ['Namespace', kubernetes.namespace],
        ...(kubernetes.hpa === undefined ? [] : [['HPA', h('code', { class: 'wrap' }, JSON.stringify(kubernetes.hpa))] as const]),
        ...(kubernetes.hpaSyncSeconds === undefined
          ? []
          : [['HPA sync', formatDuration(kubernetes.hpaSyncSeconds * 1000)] as const]),
      ]),
    );
  }
  if (postgres !== undefined) {
    const { patroni } = postgres;
    groups.push(
      group('PostgreSQL', [
        ['Version', postgres.version],
        ...(patroni === undefined
          ? []
          : ([
              ['Patroni', patroni.version],
              ['ttl', formatDuration(patroni.ttlSeconds * 1000)],
              ['loop_wait', formatDuration(patroni.loopWaitSeconds * 1000)],
              ['retry_timeout', formatDuration(patroni.retryTimeoutSeconds * 1000)],
              ['Synchronous', patroni.synchronousMode ? 'yes' : 'no'],
            ] as const)),
      ]),
    );
  }
  if (redis !== undefined) {
    groups.push(
      group('Redis', [
        ['Version', redis.version],
        ['maxmemory', redis.maxMemoryBytes === 0 ? 'no limit' : formatValue(redis.maxMemoryBytes, 'bytes')],
        ['Policy', redis.policy],
        ['maxclients', String(redis.maxClients)],
        ...(redis.sentinel === undefined ? [] : sentinelRows(redis.sentinel)),
      ]),
    );
  }
  return groups;
}

function sentinelRows(sentinel: NonNullable<NonNullable<EnvironmentRecord['redis']>['sentinel']>) {
  const { group: name, sentinels, quorum, replicas, downAfterMs, failoverTimeoutMs, minReplicasToWrite } = sentinel;
  const lag = `, lag at most ${formatDuration(sentinel.minReplicasMaxLagSeconds * 1000)}`;
  return [
    ['Sentinel', `${name}: ${formatCount(sentinels, 'Sentinel')}, quorum ${quorum}, ${formatCount(replicas, 'replica')}`],
    ['down-after', formatDuration(downAfterMs)],
    ['failover-timeout', formatDuration(failoverTimeoutMs)],
    ['min-replicas-to-write', `${minReplicasToWrite}${minReplicasToWrite === 0 ? '' : lag}`],
  ] as const;
}

export function repeatSection(evaluation: Evaluation): VNode {
  return section(
    'repeat',
    'How to repeat it',
    'From the folder that holds the run folders. The first gives this verdict again from the recorded facts alone; a new run of the same plan has the same digest, seed and data, not the same clock.',
    h(
      'ul',
      { class: 'commands' },
      ...repeatCommands(evaluation).map(({ command, says }) =>
        h('li', null, h('span', null, says), h('pre', { tabindex: 0 }, h('code', null, command))),
      ),
    ),
    definitions([
      ['Plan digest', h('code', null, evaluation.plan.digest)],
      ['Seed', h('code', null, String(evaluation.plan.seed))],
    ]),
  );
}
