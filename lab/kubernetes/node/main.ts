/** The node by itself, for whoever works on it: `node lab/kubernetes/node/main.ts up|down|status`. Results as JSON. */
import { LabError, messageOf } from '../../processes/lab-error.ts';
import { awaitMetrics, importImage, nodeDown, nodeStatus, nodeUp } from './index.ts';

const [action = '', ...rest] = process.argv.slice(2);
const onProgress = (line: string): void => void process.stderr.write(`${line}\n`);
const show = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);

try {
  if (action === 'up') {
    const connection = await nodeUp({ onProgress, nodes: rest.includes('--two') ? 2 : 1 });
    if (rest.includes('--metrics')) await awaitMetrics(connection);
    show(connection);
  } else if (action === 'down') {
    show(await nodeDown({ onProgress }));
  } else if (action === 'status') {
    show(await nodeStatus());
  } else if (action === 'import' && rest[0] !== undefined) {
    const { connection } = await nodeStatus();
    if (connection === null) throw new LabError('there is no node to import into', { hint: 'start one with "up"' });
    show(await importImage(connection, rest[0]));
  } else {
    throw new LabError(`there is no action "${action}"`, { hint: 'up [--two] [--metrics], down, status, import FILE.tar' });
  }
} catch (error) {
  process.stderr.write(`node: ${messageOf(error)}\n`);
  if (error instanceof LabError && error.hint !== undefined) process.stderr.write(`      ${error.hint}\n`);
  process.exitCode = 5;
}
