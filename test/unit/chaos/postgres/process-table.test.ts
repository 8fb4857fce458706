import { describe, expect, test } from 'vitest';
import {
  isPatroni,
  isPostmaster,
  isWalsender,
  nameOf,
  parseProcesses,
  parseSignalled,
} from '../../../../chaos/postgres/process-table.ts';

const REST = '1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0';
const line = (pid: number, parent: number, name: string, ticks: number, ...argv: string[]): string =>
  `${pid} (${name}) S ${parent} ${REST} ${ticks} 0 0 18446744073709551615\t${argv.join('\u001f')}\u001f`;

const TABLE = [
  line(1, 0, 'sh', 100, '/bin/sh', '/config/patroni-init.sh'),
  line(7, 1, 'patroni', 101, '/usr/bin/python3', '/usr/bin/patroni', '/tmp/patroni.yml'),
  line(21, 1, 'postgres', 130, '/usr/lib/postgresql/15/bin/postgres', '-D', '/data/postgres'),
  line(30, 21, 'postgres', 140, 'postgres: erp: checkpointer '),
  line(31, 21, 'postgres', 150, 'postgres: erp: walsender replicator 10.0.0.3(4711) streaming 0/3000060'),
  line(32, 21, 'postgres', 160, 'postgres: erp: erp walsender_db 10.0.0.9(1) idle'),
  line(40, 1, 'a) (b', 170, 'weird'),
  'not a process',
].join('\n');

describe('the process table of a container', () => {
  const table = parseProcesses(TABLE);
  const pids = (found: typeof table): number[] => found.map(({ pid }) => pid);

  test('reads pid, parent, state and start, whatever brackets a name has', () => {
    expect(table).toHaveLength(7);
    expect(table.at(-1)).toEqual({ pid: 40, parent: 1, state: 'S', startTicks: '170', argv: ['weird'] });
    expect(table.map(nameOf).slice(0, 3)).toEqual(['1:100', '7:101', '21:130']);
  });

  test('Patroni is the script that Python runs, not the shell that is named after it', () => {
    expect(pids(table.filter(isPatroni))).toEqual([7]);
  });

  test.each([
    [['python3', '-m', 'patroni', 'x.yml'], true],
    [['/opt/venv/bin/python3.11', '-u', '/opt/venv/bin/patroni', 'x.yml'], true],
    [['/usr/local/bin/patroni', 'x.yml'], true],
    [['python3', 'patronictl', 'list'], false],
    [['python3', '-c', 'from multiprocessing.resource_tracker import main'], false],
    [['sh', '-c', 'patroni'], false],
    [['tail', '-f', '/var/log/patroni'], false],
  ])('%j is Patroni: %s', (argv, expected) => {
    expect(isPatroni({ pid: 2, parent: 1, state: 'S', startTicks: '1', argv })).toBe(expected);
  });

  test('the server is the one without a title, its WAL senders are those that call themselves so', () => {
    expect(pids(table.filter(isPostmaster))).toEqual([21]);
    expect(pids(table.filter(isWalsender))).toEqual([31]);
  });

  test('tells what came of each signal', () => {
    expect(parseSignalled('7 ok\n31 gone\nnoise\n32 refused\n')).toEqual(
      new Map([
        [7, 'ok'],
        [31, 'gone'],
        [32, 'refused'],
      ]),
    );
  });
});
