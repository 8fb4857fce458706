/** Where the objects that Litmus works with are in the Kubernetes API. */
import type { ApiResource } from '../../src/clients/ports.ts';

const LITMUS = { group: 'litmuschaos.io', version: 'v1alpha1' } as const;

export const ENGINES: ApiResource = { ...LITMUS, plural: 'chaosengines' };
export const EXPERIMENTS: ApiResource = { ...LITMUS, plural: 'chaosexperiments' };
export const RESULTS: ApiResource = { ...LITMUS, plural: 'chaosresults' };
export const SERVICE_ACCOUNTS: ApiResource = { group: '', version: 'v1', plural: 'serviceaccounts' };
export const PODS: ApiResource = { group: '', version: 'v1', plural: 'pods' };
export const JOBS: ApiResource = { group: 'batch', version: 'v1', plural: 'jobs' };

/** Set by the operator; an engine that is deleted stays until the operator has taken it off. */
export const FINALIZER = 'chaosengine.litmuschaos.io/finalizer';
