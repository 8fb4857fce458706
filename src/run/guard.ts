/** Where a run may go: only what the guard of the plan lists, and production only when it is named precisely. Pure. */
import type { Problem } from '../errors.ts';
import type { Connections } from '../model/connections.ts';

interface Named {
  readonly at: string;
  readonly kind: 'context' | 'namespace' | 'host' | 'database';
  readonly name: string;
}

const LISTS = { context: 'contexts', namespace: 'namespaces', host: 'hosts', database: 'databases' } as const;
/** Parts of a name, between anything that is no letter; a number after it does not hide it (`prod2`). */
const PRODUCTION = /^(?:prod|production|prd|live)\d*$/;

/** Whether a part of the name says production: `odoo-prod`, `erp.live.example.com`, `PRD_1`, but not `product` or `delivery`. */
export function looksLikeProduction(name: string): boolean {
  const parts = name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z\d]+/);
  return parts.some((part) => PRODUCTION.test(part));
}

/**
 * Every target that is not on the list, and every name that looks like production and was not given as `--i-mean NAME`.
 * Loopback is no exception: a tunnel to anywhere ends there too.
 * @param kubernetes what the kubeconfig resolved to; the plan may leave the context to it.
 */
export function checkGuard(
  connections: Connections,
  options: { readonly iMean: readonly string[]; readonly kubernetes?: { readonly context: string; readonly host: string } },
): Problem[] {
  const seen = new Set<string>();
  const { kubernetes } = connections;
  // Whatever context is current when the run starts would be taken: nobody has allowed that one.
  const unnamed =
    kubernetes !== undefined && (kubernetes.context ?? options.kubernetes?.context) === undefined
      ? [
          {
            at: 'kubernetes.context',
            message: 'the plan names no context, so the guard cannot check it',
            hint: 'set kubernetes.context',
          },
        ]
      : [];
  const problems = targetsOf(connections, options.kubernetes).flatMap((target) => {
    const key = `${target.kind} ${target.name}`;
    if (seen.has(key)) return [];
    seen.add(key);
    return checkTarget(target, connections, options.iMean);
  });
  return [...unnamed, ...problems];
}

function checkTarget({ at, kind, name }: Named, { guard }: Connections, iMean: readonly string[]): Problem[] {
  const list = LISTS[kind];
  const problems: Problem[] = [];
  const allowed = guard[list].some((entry) => (kind === 'host' ? entry.toLowerCase() === name.toLowerCase() : entry === name));
  if (!allowed) {
    const known = guard[list].length === 0 ? 'it is empty' : `it has ${guard[list].join(', ')}`;
    problems.push({
      at,
      message: `${kind} "${name}" is not in guard.${list} (${known})`,
      hint: `add "${name}" to guard.${list} if this run may load and break it`,
    });
  }
  if (looksLikeProduction(name) && !iMean.includes(name)) {
    problems.push({ at, message: `${kind} "${name}" looks like production`, hint: `if it is meant, say so: --i-mean ${name}` });
  }
  return problems;
}

function targetsOf(connections: Connections, resolved?: { readonly context: string; readonly host: string }): Named[] {
  const { odoo, kubernetes, postgres, redis, ingressHealthUrl } = connections;
  const context = kubernetes?.context ?? resolved?.context;
  const sql = postgres?.connection;
  return [
    ...hostOf('target.url', odoo.url),
    { at: 'target.database', kind: 'database', name: odoo.database },
    ...(kubernetes === undefined ? [] : [{ at: 'kubernetes.namespace', kind: 'namespace' as const, name: kubernetes.namespace }]),
    ...(kubernetes === undefined || context === undefined
      ? []
      : [{ at: 'kubernetes.context', kind: 'context' as const, name: context }]),
    ...(sql === undefined
      ? []
      : [...hostOf('postgres.connection.url', sql.url), ...databaseOf('postgres.connection.url', sql.url)]),
    ...(sql?.standbyUrls ?? []).flatMap((url, index) => hostOf(`postgres.connection.standbyUrls[${index}]`, url)),
    ...(postgres?.driver === 'patroni' ? postgres.patroniUrls : []).flatMap((url, index) =>
      hostOf(`postgres.patroniUrls[${index}]`, url),
    ),
    ...(redis === undefined ? [] : hostOf('redis.url', redis.url)),
    ...(redis?.sentinels?.urls ?? []).flatMap((url, index) => hostOf(`redis.sentinels.urls[${index}]`, url)),
    ...Object.values(redis?.sentinels?.addressMap ?? {}).flatMap((address) =>
      hostOf('redis.sentinels.addressMap', `redis://${address}`),
    ),
    ...(ingressHealthUrl === undefined ? [] : hostOf('ingressHealthUrl', ingressHealthUrl)),
  ];
}

function hostOf(at: string, url: string): Named[] {
  return URL.canParse(url) ? [{ at, kind: 'host', name: new URL(url).hostname.replace(/^\[|\]$/g, '') }] : [];
}

function databaseOf(at: string, url: string): Named[] {
  const name = URL.canParse(url) ? decodeURIComponent(new URL(url).pathname.slice(1)) : '';
  return name === '' ? [] : [{ at, kind: 'database', name }];
}
