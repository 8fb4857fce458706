export interface ServerSettings {
  readonly name: string;
  readonly port: number;
  readonly dataDirectory: string;
  readonly passFile: string;
  readonly followPort: number | null;
}

/** Settings of a lab server: safe (fsync on), small, and quick to fail over. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  superuser_reserved_connections: '5',
  shared_buffers: '64MB',
  wal_level: 'replica',
  wal_keep_size: '256MB',
  min_wal_size: '128MB',
  max_wal_size: '512MB',
  hot_standby: 'on',
  wal_receiver_status_interval: '1s',
  wal_retrieve_retry_interval: '200ms',
  wal_receiver_timeout: '5s',
  // Longer than any freeze of a walsender that a test makes.
  wal_sender_timeout: '60s',
  autovacuum_naptime: '15s',
  jit: 'off',
  // Files in the data directory instead of /dev/shm, so that a killed server leaves nothing outside its folder.
  dynamic_shared_memory_type: 'mmap',
  log_line_prefix: '%m [%p] ',
  log_min_messages: 'warning',
  log_checkpoints: 'off',
  timezone: 'UTC',
};

/** Command line of a server. Holds no secret: the replication password is read from a file. */
export function serverArguments(server: ServerSettings): readonly string[] {
  const settings: Record<string, string> = { ...SETTINGS, port: String(server.port), cluster_name: server.name };
  if (server.followPort !== null) {
    settings.primary_conninfo = `host=127.0.0.1 port=${server.followPort} user=postgres application_name=${server.name} passfile='${server.passFile}'`;
  }
  return ['-D', server.dataDirectory, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}
