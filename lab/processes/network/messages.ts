/** What the supervisor and the network process say to each other over their IPC channel. */
import type { IngressState } from './ingress.ts';
import type { FreezeSpan, TcpProxyState } from './tcp-proxy.ts';
import type { WorkerAddress } from './worker-pool.ts';

export interface NetworkState {
  readonly database: TcpProxyState;
  readonly ingress: IngressState;
}

export type NetworkCommand =
  | { readonly kind: 'listen'; readonly databasePort: number; readonly ingressPort: number; readonly labDirectory: string }
  | { readonly kind: 'database-target'; readonly port: number | null }
  | { readonly kind: 'workers'; readonly workers: readonly WorkerAddress[] }
  | { readonly kind: 'check-workers' }
  /** With `ms` it thaws by itself, and the answer comes then. */
  | { readonly kind: 'freeze'; readonly ms: number | null }
  | { readonly kind: 'thaw' }
  | { readonly kind: 'state' };

export type NetworkResult = NetworkState | FreezeSpan | null;

export interface NetworkRequest {
  readonly id: number;
  readonly command: NetworkCommand;
}

export type NetworkReply =
  | { readonly id: number; readonly result: NetworkResult }
  | { readonly id: number; readonly error: string };
