/** What there is of a node. */
import { existsSync } from 'node:fs';
import { memoryBytesOf } from '../../processes/process-identity.ts';
import { BRIDGE } from './addresses.ts';
import { livingProcesses } from './down.ts';
import { defaultStateDir, isServiceRunning, lockHolder, readConnection, serviceRecords, stateFiles } from './state.ts';
import type { NodeStatus } from './types.ts';

export async function nodeStatus(options: { readonly stateDir?: string } = {}): Promise<NodeStatus> {
  const stateDir = options.stateDir ?? defaultStateDir();
  const files = stateFiles(stateDir);
  const services = serviceRecords(files).map((record) => {
    const running = isServiceRunning(record);
    return { name: record.name, pid: record.pid, running, memoryBytes: running ? memoryBytesOf(record.pid) : 0 };
  });
  if (!existsSync(stateDir)) {
    const other = existsSync(`/sys/class/net/${BRIDGE}`);
    const notes = [
      'there is no node',
      ...(other ? [`but the network device ${BRIDGE} is there: of a node with another state folder`] : []),
    ];
    return { state: 'none', stateDir, connection: null, services, notes };
  }
  const connection = readConnection(files);
  const holder = lockHolder(files);
  const stopped = services.filter(({ running }) => !running).map(({ name }) => `${name} does not run`);
  if (holder !== null) {
    return { state: 'starting', stateDir, connection, services, notes: [`process ${holder.pid} is bringing it ${holder.doing}`] };
  }
  if (connection !== null && stopped.length === 0) {
    return {
      state: 'running',
      stateDir,
      connection,
      services,
      notes: [`${livingProcesses(stateDir).length} processes, pods included`],
    };
  }
  const reason = connection === null ? 'its bring-up did not come to its end' : 'not all of it runs';
  return { state: 'half-done', stateDir, connection, services, notes: [reason, ...stopped] };
}
