/** Command line of the lab: `up`, `down`, `status`, `doctor`. Results on standard output, progress on standard error. */
import { Command, CommanderError } from 'commander';
import { runDoctor } from './commands/doctor.ts';
import { runDown } from './commands/down.ts';
import { runStatus } from './commands/status.ts';
import { runSupervise, runUp, type UpFlags } from './commands/up.ts';
import { runControl } from './control-commands.ts';
import { LabError, messageOf } from './lab-error.ts';
import { SABOTAGE_NAMES } from './options.ts';
import { REDIS_POLICIES } from './redis/server.ts';

// `lab status | head`: nobody reads any more, which is no error of ours.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const program = new Command('lab')
  .description('A practice lab: an Odoo-compatible ERP on real PostgreSQL and Redis, as processes of this machine.')
  .exitOverride()
  .configureOutput({ writeErr: (text) => process.stderr.write(text) });

const collect = (value: string, earlier: readonly string[]): readonly string[] => [...earlier, value];

program
  .command('up')
  .description('start a lab; stays in the foreground, Ctrl-C stops it')
  .option('--name <name>', 'name of the lab; becomes part of its folder and Kubernetes context', 'lab')
  .option('--dir <dir>', 'folder of the lab; must not exist yet (default: in the state folder, or PEAKPROOF_STATE)')
  .option('--detach', 'return when the lab is ready and leave it running', false)
  .option('--json', 'print where everything is as one JSON object', false)
  .option('--exit-with-parent [pid]', 'stop the lab when this process ends (default: the one that started this command)')
  .option('--on <place>', 'where it runs: processes, kubernetes', 'processes')
  .option('--context <name>', 'with --on kubernetes: the cluster of this kubeconfig context')
  .option('--node', 'with --on kubernetes: a single node that is built and started here (Linux, root)', false)
  .option('--registry <host/path>', 'with --context: where the cluster pulls the images from; they are pushed there')
  .option('--workers-min <n>', 'fewest ERP workers', '2')
  .option('--workers-max <n>', 'most ERP workers that the autoscaler may start', '5')
  .option('--nodes <n>', 'nodes that its Kubernetes API shows, all of them this machine; a drain needs two', '1')
  .option('--synchronous', 'replicate synchronously: a commit waits for the standby', false)
  .option('--port <n>', 'port of the ERP (default: a free one)')
  .option('--redis-maxmemory-mib <n>', 'memory limit of Redis', '48')
  .option('--redis-policy <policy>', `what Redis does at the limit: ${REDIS_POLICIES.join(', ')}`, 'allkeys-lru')
  .option('--sabotage <name[=n]>', `make the lab misbehave, repeatable: ${SABOTAGE_NAMES.join(', ')}`, collect, [])
  .addHelpText(
    'after',
    '\nExample:\n  $ peakproof lab up --detach --json > lab.json\n  $ peakproof lab up --on kubernetes --context kind-kind',
  )
  .action((flags: UpFlags) => runUp(flags));

program
  .command('supervise', { hidden: true })
  .argument('<options>')
  .action((text: string) => runSupervise(text));

program
  .command('control', { hidden: true })
  .argument('<url>')
  .argument('<path>')
  .action((url: string, path: string) => runControl(url, path));

program
  .command('down')
  .description('stop a lab and leave nothing behind, also when its supervisor was killed')
  .option('--name <name>', 'name of the lab (default: the only one, or "lab")')
  .option('--all', 'every lab', false)
  .option('--json', 'print what was stopped as JSON', false)
  .addHelpText('after', '\nExample:\n  $ peakproof lab down --all')
  .action((flags: { name?: string; all: boolean; json: boolean }) => runDown(flags));

program
  .command('status')
  .description('tell which labs there are and whether they run')
  .option('--json', 'print as JSON', false)
  .addHelpText('after', '\nExample:\n  $ peakproof lab status --json')
  .action((flags: { json: boolean }) => runStatus(flags));

program
  .command('doctor')
  .description('find the programs that a lab needs, and tell which and why')
  .option('--json', 'print as JSON', false)
  .addHelpText('after', '\nExample:\n  $ peakproof lab doctor --json')
  .action((flags: { json: boolean }) => runDoctor(flags));

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 3;
  } else {
    process.stderr.write(`lab: ${messageOf(error)}\n`);
    if (error instanceof LabError && error.hint !== undefined) process.stderr.write(`     ${error.hint}\n`);
    if (!(error instanceof LabError) && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    process.exitCode = 5;
  }
}
