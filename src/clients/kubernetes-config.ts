// First: without it the client does not load on the oldest Node that we support.
import './load-on-node-22-12.ts';
import { KubeConfig } from '@kubernetes/client-node';
import { HarnessError } from '../errors.ts';

export interface KubernetesOptions {
  /** Path; absent: KUBECONFIG, ~/.kube/config, in-cluster. */
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace: string;
}

/** Certificates, tokens and exec credential plugins as the kubeconfig says. Throws ERR_KUBERNETES with the contexts there are. */
export function loadConfig({ kubeconfig, context }: KubernetesOptions): KubeConfig {
  const config = new KubeConfig();
  const from = kubeconfig ?? 'the default kubeconfig';
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HarnessError('ERR_KUBERNETES', `${from} cannot be loaded: ${reason}`, { cause });
  }
  const known = config.getContexts().map(({ name }) => name);
  if (context !== undefined && !known.includes(context)) {
    throw new HarnessError('ERR_KUBERNETES', `${from} has no context "${context}"`, {
      hint: known.length === 0 ? 'it has no context at all' : `it has: ${known.join(', ')}`,
    });
  }
  if (context !== undefined) config.setCurrentContext(context);
  if (!URL.canParse(config.getCurrentCluster()?.server ?? '')) {
    throw new HarnessError('ERR_KUBERNETES', `${from} names no server for the context "${config.getCurrentContext()}"`);
  }
  return config;
}
