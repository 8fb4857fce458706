import { describe, expect, test } from 'vitest';
import type { Connections } from '../../../src/model/connections.ts';
import { checkGuard, looksLikeProduction } from '../../../src/run/guard.ts';

const connections = (fields: Partial<Connections> = {}): Connections => ({
  odoo: { kind: 'odoo', url: 'http://erp.staging.example:8069', database: 'erp_staging', login: 'x', password: { env: 'P' } },
  guard: { contexts: ['staging'], namespaces: ['erp'], hosts: ['erp.staging.example'], databases: ['erp_staging'] },
  ...fields,
});

describe('checkGuard', () => {
  test('lets a target pass of which everything is listed', () => {
    expect(
      checkGuard(connections({ kubernetes: { context: 'staging', namespace: 'erp', deployment: 'odoo' } }), { iMean: [] }),
    ).toEqual([]);
  });

  test('names every target that is not listed, at once, with its place and the way out', () => {
    const problems = checkGuard(
      connections({
        kubernetes: { context: 'other', namespace: 'shop', deployment: 'odoo' },
        redis: { url: 'redis://10.0.0.9:6379/0' },
        postgres: {
          driver: 'patroni',
          patroniUrls: ['http://pg0:8008', 'http://pg1:8008'],
          connection: { url: 'postgres://u@pg.example:5432/erp', standbyUrls: ['postgres://u@pg2.example/erp'] },
        },
        ingressHealthUrl: 'http://elsewhere.example/health',
      }),
      { iMean: [] },
    );
    expect(problems.map(({ at }) => at)).toEqual([
      'kubernetes.namespace',
      'kubernetes.context',
      'postgres.connection.url',
      'postgres.connection.url',
      'postgres.connection.standbyUrls[0]',
      'postgres.patroniUrls[0]',
      'postgres.patroniUrls[1]',
      'redis.url',
      'ingressHealthUrl',
    ]);
    expect(problems[0]).toEqual({
      at: 'kubernetes.namespace',
      message: 'namespace "shop" is not in guard.namespaces (it has erp)',
      hint: 'add "shop" to guard.namespaces if this run may load and break it',
    });
  });

  test('loopback has to be listed too: a tunnel to anywhere ends there', () => {
    const local = connections({ redis: { url: 'redis://127.0.0.1:6379/0' } });
    expect(checkGuard(local, { iMean: [] })).toMatchObject([{ at: 'redis.url' }]);
  });

  test('an IPv6 host is compared without its brackets', () => {
    const local = connections({ redis: { url: 'redis://[::1]:6379/0' } });
    const guard = { ...local.guard, hosts: [...local.guard.hosts, '::1'] };
    expect(checkGuard({ ...local, guard }, { iMean: [] })).toEqual([]);
  });

  test('what looks like production needs its precise name, although it is listed', () => {
    const odoo = { ...connections().odoo, database: 'erp-prod' };
    const listed = connections({ odoo, guard: { ...connections().guard, databases: ['erp-prod'] } });
    expect(checkGuard(listed, { iMean: [] })).toEqual([
      {
        at: 'target.database',
        message: 'database "erp-prod" looks like production',
        hint: 'if it is meant, say so: --i-mean erp-prod',
      },
    ]);
    expect(checkGuard(listed, { iMean: ['erp'] })).toHaveLength(1);
    expect(checkGuard(listed, { iMean: ['erp-prod'] })).toEqual([]);
  });

  test('naming production does not put it on the list', () => {
    const odoo = { ...connections().odoo, database: 'erp-prod' };
    expect(checkGuard(connections({ odoo }), { iMean: ['erp-prod'] })).toHaveLength(1);
  });

  test('a context that only the kubeconfig knows is checked as well, and refused when nobody told it', () => {
    const cluster = connections({ kubernetes: { namespace: 'erp', deployment: 'odoo' } });
    expect(checkGuard(cluster, { iMean: [] })).toMatchObject([{ at: 'kubernetes.context' }]);
    expect(checkGuard(cluster, { iMean: [], kubernetes: { context: 'live', host: 'k' } })).toHaveLength(2);
    expect(checkGuard(cluster, { iMean: [], kubernetes: { context: 'staging', host: 'k' } })).toEqual([]);
  });

  test.each(['prod', 'erp-prod', 'PROD_EU', 'erp.live.example.com', 'gke_shop_prd', 'erpProd', 'prod2', 'production-1'])(
    '%s looks like production',
    (name) => expect(looksLikeProduction(name)).toBe(true),
  );
  test.each(['product', 'delivery', 'alive', 'staging', 'reproduction', 'products-db', 'olive'])('%s does not', (name) =>
    expect(looksLikeProduction(name)).toBe(false),
  );
});
