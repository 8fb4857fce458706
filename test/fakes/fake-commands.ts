import type { CommandPort } from '../../src/clients/ports.ts';

export interface FakeCommands extends CommandPort {
  readonly calls: (readonly string[])[];
}

/** Every program ends with `exitCode` after `onRun` has had its effect. */
export function createFakeCommands({
  exitCode = 0,
  onRun = () => {},
}: {
  exitCode?: number;
  onRun?: () => void;
} = {}): FakeCommands {
  const calls: (readonly string[])[] = [];
  return {
    calls,
    async run(argv) {
      calls.push(argv);
      onRun();
      return { exitCode, output: exitCode === 0 ? 'done\n' : 'it went wrong\n' };
    },
  };
}
