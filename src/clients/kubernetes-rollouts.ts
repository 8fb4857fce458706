// First: without it the client does not load on the oldest Node that we support.
import './load-on-node-22-12.ts';
import { AppsV1Api, type Configuration, CustomObjectsApi, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { HarnessError } from '../errors.ts';
import type { Call } from './kubernetes-nodes.ts';
import {
  type RawDeployment,
  type RawReplicaSet,
  rollbackPatch,
  templatePatch,
  toReplicaSetView,
  toRolloutView,
} from './kubernetes-rollout-views.ts';
import { formatSelector } from './kubernetes-views.ts';
import type { KubernetesRollouts } from './ports.ts';

const APPS = { group: 'apps', version: 'v1' } as const;

/** Objects are read as plain JSON: a template that is written back must not lose fields that the typed client does not know. */
export function createRollouts(configuration: Configuration, namespace: string, call: Call): KubernetesRollouts {
  const apps = new AppsV1Api(configuration);
  const objects = new CustomObjectsApi(configuration);
  const at = (name: string): string => `deployment ${name} in namespace ${namespace}`;

  const readDeployment = (name: string): Promise<RawDeployment> =>
    call(
      `reading ${at(name)}`,
      objects.getNamespacedCustomObject({ ...APPS, namespace, plural: 'deployments', name }) as Promise<RawDeployment>,
    );
  const readReplicaSets = async (deployment: RawDeployment): Promise<readonly RawReplicaSet[]> => {
    const labelSelector = formatSelector(deployment.spec.selector);
    const request = objects.listNamespacedCustomObject({ ...APPS, namespace, plural: 'replicasets', labelSelector });
    const list = (await call(`listing the replica sets of ${at(deployment.metadata.name)}`, request)) as {
      items: RawReplicaSet[];
    };
    return list.items.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === deployment.metadata.uid));
  };

  return {
    fetchRollout: async (name) => toRolloutView(await readDeployment(name)),
    async fetchReplicaSets(name) {
      const sets = (await readReplicaSets(await readDeployment(name))).map(toReplicaSetView);
      return sets.toSorted((one, other) => (other.revision ?? 0) - (one.revision ?? 0));
    },
    async changeTemplate(name, change) {
      const request = apps.patchNamespacedDeployment(
        { name, namespace, body: templatePatch(change) },
        setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
      );
      await call(`changing the pod template of ${at(name)}`, request);
    },
    async rollTo(name, { uid }) {
      const deployment = await readDeployment(name);
      const set = (await readReplicaSets(deployment)).find(({ metadata }) => metadata.uid === uid);
      if (set === undefined) {
        throw new HarnessError('ERR_KUBERNETES', `${at(name)} has no replica set ${uid} any more`, {
          hint: 'revisionHistoryLimit of the deployment decides how many it keeps',
        });
      }
      const request = apps.patchNamespacedDeployment(
        { name, namespace, body: rollbackPatch(deployment, set) },
        setHeaderOptions('Content-Type', PatchStrategy.JsonPatch),
      );
      await call(`rolling ${at(name)} to ${set.metadata.name}`, request);
    },
  };
}
