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
  readonly redisUrl: string;
  readonly ingressHealthUrl: string;
  /** For tests of the harness against a known truth: freeze the database path, pids of everything. */
  readonly controlUrl: string;
  readonly supervisorPid: number;
  readonly sabotageLog: string;
  readonly logFile: string;
}
