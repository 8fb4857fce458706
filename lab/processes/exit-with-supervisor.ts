/** Preloaded into the lab's Node programs (`--import`): the pipe on standard input ends when the supervisor dies, however it dies. */
import { Socket } from 'node:net';

const { stdin } = process;
stdin.on('end', () => process.exit(0));
stdin.on('error', () => process.exit(0));
stdin.resume();
// Watching must not keep a program alive that is done, such as the migration.
if (stdin instanceof Socket) stdin.unref();
