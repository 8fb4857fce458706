import { describe, expect, test } from 'vitest';
import { hashPassword, PasswordCheck, verifyPassword } from '../../../../lab/erp/cache/passwords.ts';
import type { Cache } from '../../../../lab/erp/cache/redis.ts';
import { noCache } from '../../../../lab/erp/cache/redis.ts';
import { readConfig } from '../../../../lab/erp/config.ts';
import { match } from '../../../../lab/erp/flows/reconcile.ts';
import { RequestQueue } from '../../../../lab/erp/http/queue.ts';
import { models } from '../../../../lab/erp/models/index.ts';
import { fieldOf } from '../../../../lab/erp/orm/registry.ts';
import { createServiceTimes } from '../../../../lab/erp/service-times.ts';

const user = async () => ({ uid: 2, passwordHash: await hashPassword('admin', 10) });
const lookup = { byId: async (uid: number) => (uid === 2 ? await user() : null), byLogin: async () => await user() };

function memoryCache(): Cache & { readonly stored: Map<string, string> } {
  const stored = new Map<string, string>();
  return {
    ...noCache,
    stored,
    get: async (keys) => keys.map((key) => stored.get(key) ?? null),
    set: async (entries) => {
      for (const [key, value] of entries) stored.set(key, value);
      return true;
    },
  };
}

describe('password check', () => {
  test('knows its own hashes', async () => {
    const hash = await hashPassword('secret', 10);
    expect(hash).toMatch(/^\$pbkdf2-sha512\$10\$/);
    expect(await verifyPassword('secret', hash)).toBe(true);
    expect(await verifyPassword('Secret', hash)).toBe(false);
  });

  test('is paid once while the cache answers, and again by every worker when it forgot', async () => {
    const cache = memoryCache();
    const clock = { at: 0 };
    const options = { memoryMs: 0, now: () => clock.at };
    const first = new PasswordCheck(cache, lookup, options);
    const second = new PasswordCheck(cache, lookup, options);
    await first.check(2, 'admin');
    clock.at = 1;
    await first.check(2, 'admin');
    await second.check(2, 'admin');
    expect([first.computed, second.computed]).toEqual([1, 0]);
    cache.stored.clear();
    await second.check(2, 'admin');
    expect(second.computed).toBe(1);
  });

  test('is remembered by the worker for a short while without a cache', async () => {
    const clock = { at: 0 };
    const check = new PasswordCheck(noCache, lookup, { memoryMs: 100, now: () => clock.at });
    await check.check(2, 'admin');
    clock.at = 99;
    await check.check(2, 'admin');
    expect(check.computed).toBe(1);
    clock.at = 101;
    await check.check(2, 'admin');
    expect(check.computed).toBe(2);
  });

  test('costs the full price at every login without a cache', async () => {
    const check = new PasswordCheck(noCache, lookup, { memoryMs: 1_000, now: () => 0 });
    expect(await check.login('admin', 'admin')).toBe(2);
    expect(await check.login('admin', 'admin')).toBe(2);
    expect(await check.login('admin', 'wrong')).toBeNull();
    expect(check.computed).toBe(3);
  });

  test('never stores a wrong password and names unknown users', async () => {
    const cache = memoryCache();
    const check = new PasswordCheck(cache, lookup, { memoryMs: 0, now: () => 0 });
    await expect(check.check(2, 'wrong')).rejects.toThrow('Access Denied');
    await expect(check.check(9999, 'admin')).rejects.toThrow('(Record: res.users(9999,), User: 9999)');
    expect(cache.stored.size).toBe(0);
  });
});

describe('request queue', () => {
  test('serves one at a time and counts the time of service as busy', async () => {
    const clock = { at: 0 };
    const queue = new RequestQueue(32, () => clock.at);
    const order: string[] = [];
    const hold = Promise.withResolvers<void>();
    const first = queue.run(async () => {
      order.push('first in');
      await hold.promise;
      clock.at = 2_000;
      order.push('first out');
    });
    const second = queue.run(async () => void order.push('second'));
    clock.at = 500;
    expect(queue.busySeconds).toBe(0.5);
    hold.resolve();
    expect(await Promise.all([first, second])).toEqual(['done', 'done']);
    expect(order).toEqual(['first in', 'first out', 'second']);
    expect([queue.busySeconds, queue.requests]).toEqual([2, 2]);
  });

  test('is full when the backlog is, and drops those that wait when it closes', async () => {
    const queue = new RequestQueue(1, () => 0);
    const hold = Promise.withResolvers<void>();
    const first = queue.run(() => hold.promise);
    const second = queue.run(async () => undefined);
    expect(queue.isFull).toBe(true);
    const closed = queue.close();
    hold.resolve();
    expect([await first, await second]).toEqual(['done', 'dropped']);
    await closed;
  });

  test('goes on after work that failed', async () => {
    const queue = new RequestQueue(4, () => 0);
    await expect(queue.run(() => Promise.reject(new Error('x')))).rejects.toThrow('x');
    expect(await queue.run(async () => undefined)).toBe('done');
  });
});

describe('settings', () => {
  const base = { ERP_POSTGRES_URL: 'postgres://erp@127.0.0.1:1/erp', ERP_REDIS_URL: 'redis://127.0.0.1:2' };

  test('take the sabotage as JSON or as a list of names', () => {
    const json = readConfig({ ...base, ERP_SABOTAGE: '{"duplicate-orders":2,"slow-baseline":true}' });
    const list = readConfig({ ...base, ERP_SABOTAGE: 'duplicate-orders=2,slow-baseline' });
    expect(list).toEqual(json);
    expect(json.sabotage).toMatchObject({ duplicateOrders: 2, slowBaseline: true });
    expect(json.serviceFactor).toBe(8);
  });

  test('leave Redis out when it is not on the path', () => {
    expect(readConfig(base).redisUrl).toBe('redis://127.0.0.1:2');
    expect(readConfig({ ...base, ERP_SABOTAGE: '{"redis-not-on-path":true}' }).redisUrl).toBeNull();
  });

  test('say what is missing or wrong', () => {
    expect(() => readConfig({})).toThrow('ERP_POSTGRES_URL is not set');
    expect(() => readConfig({ ...base, ERP_PORT: 'x' })).toThrow('ERP_PORT must be a number');
  });
});

describe('service time', () => {
  const times = createServiceTimes({ serviceTimes: { 'sale.order.create': 70 }, serviceFactor: 1 }, () => 0.5);

  test('grows with the tickets of a batch', () => {
    expect(times('pos.order', 'sync_from_ui', [Array(10).fill({})])).toBeCloseTo(80);
  });

  test('grows slowly for large batches', () => {
    expect(times('product.product', 'create', [Array(1_050).fill({})])).toBeCloseTo(220);
  });

  test('can be set by name', () => {
    expect(times('sale.order', 'create', [{}])).toBeCloseTo(75);
  });
});

describe('models', () => {
  test('point only to models and fields that are there', () => {
    for (const name of models.names) {
      const model = models.require(name);
      for (const field of Object.values(model.fields)) {
        if (field.relation) expect(models.get(field.relation), `${name} -> ${field.relation}`).toBeDefined();
        if (field.inverse)
          expect(fieldOf(models.require(field.relation ?? ''), field.inverse), `${name} <- ${field.inverse}`).toBeDefined();
        if (field.related) expect(fieldOf(model, field.related[0])?.relation, `${name}.${field.related.join('.')}`).toBeDefined();
      }
    }
  });

  test('match debits with credits until one side is used up', () => {
    expect(match([100, -60, -40])).toEqual([0, 0, 0]);
    expect(match([100, -60])).toEqual([40, 0]);
    expect(match([0.1, 0.2, -0.3])).toEqual([0, 0, 0]);
  });
});
