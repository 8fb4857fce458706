/** Where a run finds its target: what a plan of kind `odoo` says itself, or what a lab answered when it came up. No secrets, only where they are. */
import type { GuardSpec, KubernetesTarget, OdooTarget, PostgresCommands, PostgresTarget, RedisTarget } from './plan.ts';

export interface Connections {
  readonly odoo: OdooTarget;
  readonly kubernetes?: KubernetesTarget;
  readonly postgres?: PostgresTarget;
  readonly redis?: RedisTarget;
  readonly ingressHealthUrl?: string;
  readonly guard: GuardSpec;
}

/** What `lab up --detach --json` prints. */
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
  readonly hpaSyncSeconds: number;
  readonly patroniUrls: readonly string[];
  readonly postgresUrl: string;
  readonly postgresStandbyUrls: readonly string[];
  readonly postgresUser: string;
  readonly postgresPasswordFile: string;
  /** Programs that reach into a member, where its pods cannot be reached into. */
  readonly postgresCommands?: PostgresCommands;
  readonly redisUrl: string;
  /** Of the Redis servers; absent: none is asked for. */
  readonly redisPasswordFile?: string;
  readonly redisSentinels?: {
    readonly urls: readonly string[];
    readonly master: string;
    readonly passwordFile?: string;
    readonly addressMap?: Readonly<Record<string, string>>;
  };
  readonly ingressHealthUrl: string;
  readonly supervisorPid: number;
}
