/** What a lab on Kubernetes is asked for. */
import { LabError } from '../processes/lab-error.ts';
import type { LabOptions } from '../processes/options.ts';

/** Where it runs: a node of our own, or a cluster that is there. */
export type Place =
  | { readonly kind: 'node' }
  | {
      readonly kind: 'context';
      readonly context: string;
      /** Images are pushed there, and pulled from there; null: they are loaded into the cluster's nodes. */
      readonly registry: string | null;
    };

export interface KubernetesLabOptions extends LabOptions {
  readonly place: Place;
  readonly namespace: string;
  /** `ERP_...` of the environment of `lab up`: settings of the ERP. */
  readonly erpSettings: Readonly<Record<string, string>>;
}

export interface KubernetesFlags {
  readonly context?: string;
  readonly node: boolean;
  readonly registry?: string;
}

/** Switches that the ERP itself carries out. The others are the embedded lab's: a real cluster cannot be told to lie. */
const ERP_SABOTAGE: ReadonlySet<string> = new Set([
  'lose-acknowledged-writes',
  'duplicate-orders',
  'unbalanced-entries',
  'slow-baseline',
  'redis-not-on-path',
]);

/** @throws LabError naming what does not fit together. */
export function parseKubernetesOptions(
  options: LabOptions,
  flags: KubernetesFlags,
  env: NodeJS.ProcessEnv = process.env,
): KubernetesLabOptions {
  const impossible = Object.keys(options.sabotage).filter((name) => !ERP_SABOTAGE.has(name));
  if (impossible.length > 0) {
    throw new LabError(`--sabotage ${impossible.join(', ')}: not on Kubernetes`, {
      hint: `there are ${[...ERP_SABOTAGE].join(', ')}; the others are for the lab on processes`,
    });
  }
  if (options.ingressPort !== null) {
    throw new LabError('--port: on Kubernetes the cluster chooses the port', { hint: 'read odooUrl of "lab up --json"' });
  }
  const place = placeOf(flags);
  if (options.nodes > (place.kind === 'node' ? 2 : 1)) {
    throw new LabError(`--nodes ${options.nodes}: a cluster that is built here has one node or two`, {
      hint: 'with --context the cluster has the nodes that it has',
    });
  }
  const erpSettings = Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (name.startsWith('ERP_') && value !== undefined ? [[name, value]] : [])),
  );
  return { ...options, place, namespace: `peakproof-${options.name}`, erpSettings };
}

function placeOf({ context, node, registry }: KubernetesFlags): Place {
  if (node && (context !== undefined || registry !== undefined)) {
    throw new LabError('--node builds a cluster of its own: it goes without --context and --registry');
  }
  if (node) return { kind: 'node' };
  if (context === undefined) {
    throw new LabError('--on kubernetes needs to know where', {
      hint: 'give --context NAME for a cluster that you have, or --node for one that is built here (Linux, root)',
    });
  }
  return { kind: 'context', context, registry: registry ?? null };
}
