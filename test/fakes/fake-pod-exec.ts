import type { PodExecPort } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';

export interface FakeProcess {
  readonly pid: number;
  readonly parent: number;
  readonly argv: readonly string[];
  readonly startTicks: number;
  state: 'S' | 'T';
}

export interface FakePodExec extends PodExecPort {
  /** What runs in the one container there is. */
  processes: FakeProcess[];
  /** `list`, `STOP 7`, `KILL server 21`, in order. */
  readonly deeds: string[];
  /** Calls fail with these words while set. */
  down: string | null;
  /** Signals are taken and do nothing, as those to process 1. */
  deaf: boolean;
  onDeed: (deed: string) => void;
}

/** A container with Patroni (7) below a shell (1), PostgreSQL (21) and one WAL sender (31). */
export function createFakePodExec(): FakePodExec {
  const signal = (name: string, wanted: readonly string[]): string =>
    wanted
      .map((one) => {
        const [pid = '', ticks] = one.split(':');
        const found = fake.processes.find((process) => String(process.pid) === pid && String(process.startTicks) === ticks);
        if (found === undefined) return `${pid} gone`;
        if (name === 'KILL') fake.processes = fake.processes.filter((process) => process !== found);
        else if (!fake.deaf) found.state = name === 'STOP' ? 'T' : 'S';
        return `${pid} ok`;
      })
      .join('\n');
  const deed = (text: string): void => {
    fake.deeds.push(text);
    fake.onDeed(text);
  };
  const fake: FakePodExec = {
    namespace: 'erp',
    processes: [
      aProcess(1, 0, '/bin/sh', '/init.sh'),
      aProcess(7, 1, '/usr/bin/python3', '/usr/bin/patroni', '/patroni.yml'),
      aProcess(21, 1, '/usr/lib/postgresql/15/bin/postgres', '-D', '/data'),
      aProcess(31, 21, 'postgres: erp: walsender replicator 10.0.0.3(4711) streaming 0/3000060'),
    ],
    deeds: [],
    down: null,
    deaf: false,
    onDeed: () => undefined,
    async run(_pod, argv) {
      if (fake.down !== null) throw new HarnessError('ERR_KUBERNETES', fake.down);
      const [, , , kind, ...args] = argv;
      if (kind === undefined) {
        deed('list');
        return { exitCode: 0, output: fake.processes.map(lineOf).join('\n'), errors: '' };
      }
      if (kind === 'signal') {
        const [name = '', ...wanted] = args;
        const output = signal(name, wanted);
        deed(`${name} ${wanted.map((one) => one.split(':')[0]).join(' ')}`);
        return { exitCode: 0, output, errors: '' };
      }
      const pid = Number.parseInt(args[0] ?? '', 10);
      fake.processes = fake.processes.filter((process) => process.pid !== pid && process.parent !== pid);
      deed(`KILL server ${pid}`);
      return { exitCode: 0, output: `${pid} ok`, errors: '' };
    },
  };
  return fake;
}

export function aProcess(pid: number, parent: number, ...argv: readonly string[]): FakeProcess {
  return { pid, parent, argv, startTicks: pid * 10, state: 'S' };
}

function lineOf({ pid, parent, argv, startTicks, state }: FakeProcess): string {
  const rest = '1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0';
  return `${pid} (x) ${state} ${parent} ${rest} ${startTicks} 0\t${argv.join('\u001f')}`;
}
