/**
 * What a fault is: plan (read only) -> inject -> prove that it happened -> revert. One file a fault; `chaos/registry.ts` lists them.
 * Undo first: `inject` must call `context.openUndo` (which is on disk when it resolves) before it touches the target, and
 * `revert` must work from that record alone, in a new process, any number of times.
 */

import type {
  Clock,
  CommandPort,
  CustomObjectsPort,
  KubernetesPort,
  PatroniPort,
  PodExecPort,
  PostgresPort,
  RedisPort,
  SentinelPort,
} from '../src/clients/ports.ts';
import type { FaultSpec, PostgresTarget, RedisTarget } from '../src/model/plan.ts';
import type { SplitBrain } from '../src/model/run-records.ts';

export interface FaultDoors {
  readonly clock: Clock;
  readonly kubernetes?: KubernetesPort;
  /** The namespaces that the plan's guard allows. */
  readonly allowedNamespaces?: readonly string[];
  /** Objects of any kind in the namespace of `kubernetes`. */
  readonly customObjects?: CustomObjectsPort;
  /** Programs inside the pods of the namespace of `kubernetes`. */
  readonly podExec?: PodExecPort;
  readonly patroni?: PatroniPort;
  /** The database through the address the application uses, and each member directly when known. */
  readonly postgres?: PostgresPort;
  readonly postgresStandbys?: readonly PostgresPort[];
  readonly postgresTarget?: PostgresTarget;
  /** Through Sentinel: of the server that is the master when it is connected to. */
  readonly redis?: RedisPort;
  readonly sentinel?: SentinelPort;
  readonly redisTarget?: RedisTarget;
  readonly commands?: CommandPort;
}

export interface UndoEntry {
  readonly id: string;
  readonly fault: string;
  readonly kind: FaultSpec['kind'];
  /** For people: what the undo does. */
  readonly action: string;
  /** For `revert`: everything it needs, no secrets. */
  readonly data: Readonly<Record<string, unknown>>;
}

export interface FaultContext extends FaultDoors {
  readonly runId: string;
  /** Resolves when the record is on disk (fsync). Returns its id. */
  openUndo(entry: Omit<UndoEntry, 'id'>): Promise<string>;
  closeUndo(id: string, detail: string): Promise<void>;
  readonly signal: AbortSignal;
}

export interface FaultPlan<State = unknown> {
  /** What will be touched, for people: `pods odoo-6d-abc12 in lab-1/erp`. */
  readonly target: string;
  readonly blastRadius: string;
  /** What `rollback` would do. */
  readonly undo: string;
  /** What will happen, when the configuration tells. */
  readonly prediction?: string;
  readonly state: State;
}

export interface Injection<State = unknown> {
  /** Instant just before the target was first touched. */
  readonly injectedAt: number;
  readonly detail: string;
  /** When the target was last touched, if that was not just before the injection resolved. */
  readonly endedAt?: number;
  readonly state: State;
}

export interface Proof {
  readonly proven: boolean;
  readonly evidence: readonly string[];
  /** Harm that the proof itself saw: two members that took writes at once. */
  readonly splitBrain?: SplitBrain;
}

/** A permission of the Kubernetes API. */
export interface Access {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  /** In every namespace, not only that of the plan. */
  readonly everyNamespace?: true;
  /** Only the object of this name. */
  readonly name?: string;
}

export interface Revert {
  /** False: something stays behind; the run exits 4. */
  readonly complete: boolean;
  readonly detail: string;
}

export interface Fault<Spec extends FaultSpec = FaultSpec, Planned = unknown, Injected = unknown> {
  readonly kind: Spec['kind'];
  /** One line for `faults list`. */
  readonly summary: string;
  /** Doors that must be open; preflight refuses a plan whose fault lacks one, by name. */
  readonly needs: readonly (keyof FaultDoors)[];
  /** Kubernetes permissions used; preflight asks for each. */
  readonly access: readonly Access[];
  /** The permissions that this very spec uses, where that depends on mode and driver; absent: `access`. */
  accessFor?(
    spec: Spec,
    doors: Pick<FaultDoors, 'postgresTarget' | 'redisTarget'> & { readonly kubernetes?: object },
  ): readonly Access[];
  /** Read only. Throws HarnessError when it would be refused: nothing matches, blast radius, not supported. */
  plan(spec: Spec, doors: FaultDoors): Promise<FaultPlan<Planned>>;
  /** Lasts as long as the fault does (a flood holds, a kill returns at once); ends early on `context.signal`. */
  inject(
    spec: Spec,
    plan: FaultPlan<Planned>,
    context: FaultContext,
    started: (injection: Injection<Injected>) => void,
  ): Promise<Injection<Injected>>;
  prove(spec: Spec, plan: FaultPlan<Planned>, injection: Injection<Injected>, context: FaultContext): Promise<Proof>;
  revert(undo: UndoEntry, doors: FaultDoors, options: { readonly timeoutMs: number }): Promise<Revert>;
}
