import { describe, expect, test } from 'vitest';
import { DatabasePath } from '../../../../lab/processes/database-path.ts';

function pathWith(neverRecover: boolean) {
  const targets: (number | null)[] = [];
  const sabotage: string[] = [];
  const path = new DatabasePath({
    setTarget: async (port) => void targets.push(port),
    neverRecover,
    onSabotage: (detail) => sabotage.push(detail),
  });
  return { path, targets, sabotage };
}

describe('DatabasePath', () => {
  test('follows the leader, and tells only of changes', async () => {
    const { path, targets, sabotage } = pathWith(false);
    for (const port of [1, 1, null, 2]) await path.point(port);
    await path.serverEnded(2);
    expect(targets).toEqual([1, null, 2]);
    expect(sabotage).toEqual([]);
  });

  test('with never-recover leads nowhere after the first change of the leader', async () => {
    const { path, targets, sabotage } = pathWith(true);
    for (const port of [1, 2, 1]) await path.point(port);
    expect(targets).toEqual([1, null]);
    expect(sabotage).toHaveLength(1);
  });

  test('with never-recover leads nowhere after the primary died, though it starts again on the same port', async () => {
    const { path, targets } = pathWith(true);
    await path.point(1);
    await path.serverEnded(2);
    expect(targets).toEqual([1]);
    await path.serverEnded(1);
    await path.point(1);
    expect(targets).toEqual([1, null]);
  });
});
