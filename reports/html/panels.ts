/** Which charts there are: one a panel and unit, so that every chart has one readable scale. */
import type { Evaluation, Series } from '../../src/model/evaluation.ts';

export interface Panel {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly scale: 'linear' | 'log' | 'share';
  /** Values hold until the next one (counts) instead of being joined by slopes. */
  readonly stepped: boolean;
  readonly series: readonly Series[];
}

const ORDER: readonly Series['panel'][] = [
  'throughput',
  'attainment',
  'latency',
  'errors',
  'replicas',
  'probes',
  'replication',
  'redis',
];

const TITLES: Readonly<Record<Series['panel'], string>> = {
  throughput: 'Throughput',
  attainment: 'Attainment',
  latency: 'Latency',
  errors: 'Errors',
  replicas: 'Replicas',
  probes: 'Good probes',
  replication: 'Replication',
  redis: 'Redis',
};

const STEPPED_UNITS = ['count', 'number', 'clients', 'keys', 'servers'];

export function panelsOf({ timeline }: Evaluation): readonly Panel[] {
  return ORDER.flatMap((panel) => {
    const members = timeline.series.filter((one) => one.panel === panel);
    const units = [...new Set(members.map((one) => one.unit))];
    return units.map((unit, index) => {
      const series = members.filter((one) => one.unit === unit);
      return {
        id: `${panel}-${index + 1}`,
        title: titleOf(panel, unit, series),
        unit,
        scale: scaleOf(panel, unit),
        stepped: panel === 'replicas' || STEPPED_UNITS.includes(unit),
        series,
      };
    });
  });
}

function titleOf(panel: Series['panel'], unit: string, series: readonly Series[]): string {
  const [only] = series;
  if (panel === 'redis' && unit === 'bytes') return 'Redis memory';
  if (panel === 'redis' && unit === 'servers') return 'Redis servers';
  if (panel === 'probes' && unit === 'ms') return 'Probe latency';
  if (panel === 'replication' && unit === 'bytes') return 'Replication lag';
  if ((panel === 'redis' || panel === 'replication') && series.length === 1 && only !== undefined)
    return `${TITLES[panel]}: ${only.name}`;
  return TITLES[panel];
}

/** Latency spans decades when a fault hits, so it is on a logarithmic scale; shares keep 0 to 100 % in view. */
function scaleOf(panel: Series['panel'], unit: string): Panel['scale'] {
  if ((panel === 'latency' || panel === 'probes') && unit === 'ms') return 'log';
  return unit === 'ratio' && (panel === 'attainment' || panel === 'probes') ? 'share' : 'linear';
}
