import { describe, expect, test } from 'vitest';
import { parseCount, parseLabName, parseRedisPolicy, parseSabotage } from '../../../../lab/processes/options.ts';
import { listeningPort } from '../../../../lab/processes/runtime/erp-pod.ts';

describe('parseSabotage', () => {
  test('takes switches and switches with a number, 1 when none is given', () => {
    const sabotage = parseSabotage(['lose-acknowledged-writes=5', 'never-recover', 'duplicate-orders']);
    expect(sabotage).toEqual({ 'lose-acknowledged-writes': 5, 'never-recover': true, 'duplicate-orders': 1 });
  });

  test.each(['nonsense', 'never-recover=1', 'duplicate-orders=0', 'duplicate-orders=x', ''])('refuses "%s" by name', (text) => {
    expect(() => parseSabotage([text])).toThrow(`--sabotage ${text}`);
  });
});

describe('options', () => {
  test.each(['Lab', '-a', 'a-', '../x', '', 'a'.repeat(41)])('a lab cannot be named "%s"', (name) => {
    expect(() => parseLabName(name)).toThrow('--name');
  });

  test('numbers outside their range and unknown policies are refused by option', () => {
    expect(parseCount('--workers-min', '2', { min: 1, max: 5 })).toBe(2);
    expect(() => parseCount('--workers-min', '1.5', { min: 1, max: 5 })).toThrow(
      '--workers-min 1.5: must be a whole number from 1 to 5',
    );
    expect(() => parseRedisPolicy('lru')).toThrow('--redis-policy lru');
  });
});

describe('listeningPort', () => {
  test('reads the line of a worker and ignores other output', () => {
    expect(listeningPort('{"event":"listening","port":4711}')).toBe(4711);
    expect(listeningPort('{"event":"request","port":1}')).toBeNull();
    expect(listeningPort('listening on 80')).toBeNull();
  });
});
