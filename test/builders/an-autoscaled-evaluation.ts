/** The autoscaling part of a made-up run: a scale-up in its parts, advice, two gaps. */
import type { Evaluation } from '../../src/model/evaluation.ts';

export function anAutoscaledPart(startAt: number): Required<Pick<Evaluation, 'autoscaling' | 'rightsizing' | 'gaps'>> {
  const at = (seconds: number) => startAt + seconds * 1000;
  return {
    autoscaling: [
      {
        objective: 'scales-for-the-sale',
        autoscaler: 'keda-hpa-odoo',
        scalesOn: ['cpu: 60 % of the request', 'external metric s0-rabbitmq-pos: 30 on average a pod'],
        madeBy: 'ScaledObject odoo (KEDA)',
        stepAt: at(60),
        stages: [
          {
            name: 'metric',
            fromAt: at(60),
            toAt: at(72.4),
            durationMs: 12_400,
            resolutionMs: 1_000,
            source: 'metrics API (cpu), clock of the harness',
          },
          {
            name: 'decision',
            fromAt: at(72.4),
            toAt: at(76),
            durationMs: 3_600,
            resolutionMs: 1_004,
            source: 'status of the autoscaler, clock of the harness',
            note: '2 to 4 replicas',
          },
          {
            name: 'scheduling',
            fromAt: at(76),
            toAt: at(76.5),
            durationMs: 500,
            resolutionMs: 1_000,
            source: 'PodScheduled, clock of the cluster (12 ms off ours, whole seconds), within two looks',
          },
          {
            name: 'start',
            fromAt: at(76.5),
            toAt: null,
            durationMs: null,
            resolutionMs: null,
            source: 'not seen',
            note: 'not recorded of a new pod; it is in the part after it',
          },
          {
            name: 'readiness',
            fromAt: at(76.5),
            toAt: at(81),
            durationMs: 4_500,
            resolutionMs: 998,
            source: 'readyReplicas, clock of the harness',
            note: 'pod odoo-6d-abc12',
          },
          {
            name: 'service-level-back',
            fromAt: at(81),
            toAt: at(84),
            durationMs: 3_000,
            resolutionMs: 1_000,
            source: 'journeys by second, clock of the load generator',
          },
        ],
        bound: {
          text: '2 to 4 replicas, from load step to decision: at best 0 s, at worst 45 s by configuration',
          fastestMs: 0,
          slowestMs: 45_000,
        },
        limitedByMax: true,
        scaleIn: {
          loadFellAt: at(200),
          startedMs: 62_000,
          doneMs: null,
          text: 'began 62 s after the load fell, and was not down to 2 when the run ended',
        },
        conditions: [{ at: at(59), text: 'ScalingActive True, ValidMetricFound' }],
        events: [{ at: at(75.5), text: 'SuccessfulRescale: New size: 4; reason: cpu resource utilization above target' }],
      },
    ],
    rightsizing: {
      workload: 'odoo',
      phases: [
        {
          phase: 'baseline',
          samples: 8,
          podCpuP95Cores: 0.21,
          podCpuMaxCores: 0.24,
          podMemoryMaxBytes: 180 * 2 ** 20,
          totalCpuP95Cores: 0.4,
          readyMin: 2,
          readyMax: 2,
          desiredMax: 2,
        },
        {
          phase: 'disturbance',
          samples: 44,
          podCpuP95Cores: 0.83,
          podCpuMaxCores: 0.97,
          podMemoryMaxBytes: 220 * 2 ** 20,
          totalCpuP95Cores: 3.1,
          readyMin: 1,
          readyMax: 4,
          desiredMax: 4,
        },
      ],
      advice: [
        {
          setting: 'cpu request',
          current: 0.5,
          advised: 0.96,
          unit: 'cores',
          reason: '95 % of the figures of a pod in disturbance were at most 0.83 cores',
        },
        {
          setting: 'memory request',
          current: 256 * 2 ** 20,
          advised: 256 * 2 ** 20,
          unit: 'bytes',
          reason: 'a pod used 220 MiB at most in the whole run',
        },
        {
          setting: 'minReplicas',
          current: 2,
          advised: null,
          unit: 'replicas',
          reason: 'the autoscaler had no metric in disturbance',
        },
        {
          setting: 'target utilisation',
          current: 0.6,
          advised: 0.45,
          unit: 'ratio',
          reason: 'the service level waited for new pods',
        },
      ],
      noAdvice: null,
    },
    gaps: [
      {
        source: 'hpa',
        fromAt: at(230),
        toAt: at(250),
        reason: 'connect ECONNREFUSED 10.0.0.1:6443 (20 looks failed)',
        trouble: 'unreachable',
      },
      {
        source: 'pods',
        fromAt: at(230.4),
        toAt: at(250.2),
        reason: 'connect ECONNREFUSED 10.0.0.1:6443 (20 looks failed)',
        trouble: 'unreachable',
      },
    ],
  };
}
