/**
 * The lab's network, a process of its own so that a busy supervisor slows no request: the ingress and the database path.
 * Started by the supervisor; when that dies, this process takes the rest of the lab down.
 */
import { messageOf } from '../lab-error.ts';
import { removeLab } from '../remove-lab.ts';
import { Ingress } from './ingress.ts';
import type { NetworkCommand, NetworkReply, NetworkRequest, NetworkResult } from './messages.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { WorkerPool } from './worker-pool.ts';

const pool = new WorkerPool();
const ingress = new Ingress(pool);
const database = new TcpProxy();
let labDirectory: string | null = null;

async function execute(command: NetworkCommand): Promise<NetworkResult> {
  switch (command.kind) {
    case 'listen':
      labDirectory = command.labDirectory;
      await Promise.all([database.listen(command.databasePort), ingress.listen(command.ingressPort)]);
      return null;
    case 'database-target':
      database.setTarget(command.port);
      return null;
    case 'workers':
      pool.setWorkers(command.workers);
      return null;
    case 'check-workers':
      await pool.checkAll();
      return null;
    case 'freeze':
      return command.ms === null ? { frozenAt: database.freeze(), thawedAt: null } : await database.freezeFor(command.ms);
    case 'thaw':
      return database.thaw();
    case 'state':
      return { database: database.state, ingress: ingress.state };
  }
}

process.on('message', (message: NetworkRequest) => {
  execute(message.command).then(
    (result) => reply({ id: message.id, result }),
    (error: unknown) => reply({ id: message.id, error: messageOf(error) }),
  );
});

function reply(answer: NetworkReply): void {
  if (process.connected) process.send?.(answer);
}

// Ctrl-C in a terminal reaches every process of the lab; only the supervisor decides what it means.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => {
  if (labDirectory === null) process.exit(1);
  removeLab(labDirectory, { supervisor: 'gone' }).then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`the supervisor died, and this could not be taken down: ${messageOf(error)}\n`);
      process.exit(1);
    },
  );
});
