import type { PostgresCommands } from './control-commands.ts';

/** What `lab up --json` prints: where everything is. Secrets only as names of files. */
export interface LabConnection {
  readonly name: string;
  readonly dir: string;
  readonly odooUrl: string;
  readonly database: string;
  readonly login: string;
  readonly passwordFile: string;
  readonly kubeconfig: string;
  readonly context: string;
  readonly namespace: string;
  readonly deployment: string;
  readonly hpa: string;
  readonly selector: string;
  /** How often its autoscaler decides; Kubernetes says that nowhere. */
  readonly hpaSyncSeconds: number;
  readonly patroniUrls: readonly string[];
  /** Through the switchable path, as the ERP goes. */
  readonly postgresUrl: string;
  /** Every member directly, whatever its role. */
  readonly postgresStandbyUrls: readonly string[];
  readonly postgresUser: string;
  readonly postgresPasswordFile: string;
  /** Programs that stop single processes of a member, where its pods are no containers. */
  readonly postgresCommands?: PostgresCommands;
  readonly redisUrl: string;
  /** Redis under Sentinel: the Sentinels, and the name that they give the master. */
  readonly redisSentinels?: {
    readonly urls: readonly string[];
    readonly master: string;
    /** `host:port` as the Sentinels announce a server or each other -> `host:port` under which it is reached from here. */
    readonly addressMap?: Readonly<Record<string, string>>;
  };
  /** Each Redis server directly, whatever its role. */
  readonly redisMemberUrls?: readonly string[];
  readonly ingressHealthUrl: string;
  /** For tests of the harness against a known truth: freeze the database path, pids of everything. Not on Kubernetes. */
  readonly controlUrl?: string;
  readonly supervisorPid: number;
  readonly sabotageLog?: string;
  readonly logFile: string;
}
