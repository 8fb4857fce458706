import type { KubernetesRollouts, PodView, ReplicaSetView, RolloutView, TemplateChange } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';

/** What the fake cluster lets its parts do. */
export interface FakeWorld {
  readonly pods: PodView[];
  wanted(): number;
  /** Brings timers up to date; throws while the API is down. */
  settle(): void;
  after(ms: number, run: () => void): void;
  addPod(fields: Partial<PodView>): PodView;
}

export interface FakeRollouts extends KubernetesRollouts {
  /** Revisions, as the Deployment keeps them. */
  readonly sets: ReplicaSetView[];
  readonly changes: TemplateChange[];
  /** Overrides of what the Deployment says of itself. */
  view: Partial<RolloutView>;
}

/** One Deployment `odoo` that replaces its pods one by one. Images named `no-such-image` and any `readiness-path` never get Ready. */
export function createFakeRollouts(
  world: FakeWorld,
  { readyMs, replicas }: { readonly readyMs: number; readonly replicas: number },
): FakeRollouts {
  const broken = new Map<string, string>();
  const first: ReplicaSetView = {
    name: 'odoo-6d',
    uid: 'rs-1',
    revision: 1,
    replicas,
    images: ['odoo:1'],
    annotations: {},
  };
  const newest = (): ReplicaSetView => fake.sets.reduce((a, b) => ((b.revision ?? 0) > (a.revision ?? 0) ? b : a));
  const podsOf = (set: ReplicaSetView): readonly PodView[] => world.pods.filter(({ owner }) => owner?.name === set.name);
  const others = (set: ReplicaSetView): readonly PodView[] =>
    world.pods.filter(({ owner, labels }) => owner?.name !== set.name && labels.app === 'odoo');
  const remove = (pod: PodView | undefined): void => {
    const index = pod === undefined ? -1 : world.pods.indexOf(pod);
    if (index >= 0) world.pods.splice(index, 1);
  };
  const step = (set: ReplicaSetView): void => {
    if (newest().uid !== set.uid) return;
    for (const pod of others(set).filter(({ ready }) => !ready)) remove(pod);
    const fresh = podsOf(set);
    if (fresh.length >= world.wanted()) {
      for (const pod of others(set)) remove(pod);
      return;
    }
    const reason = broken.get(set.uid);
    const hash = set.name.slice('odoo-'.length);
    const pod = world.addPod({
      ready: false,
      labels: { app: 'odoo', 'pod-template-hash': hash },
      owner: { kind: 'ReplicaSet', name: set.name },
      ...(reason === undefined || reason === ''
        ? {}
        : { phase: 'Pending', waiting: reason, waitingMessage: 'no such image here' }),
    });
    if (reason !== undefined) return;
    world.after(readyMs, () => {
      const index = world.pods.indexOf(pod);
      if (index < 0) return;
      world.pods[index] = { ...pod, ready: true };
      remove(others(set)[0]);
      step(set);
    });
  };
  const rollTo = (set: ReplicaSetView): void => {
    const revised = { ...set, revision: (newest().revision ?? 0) + 1 };
    const index = fake.sets.findIndex(({ uid }) => uid === set.uid);
    if (index < 0) fake.sets.push(revised);
    else fake.sets[index] = revised;
    step(revised);
  };
  const fake: FakeRollouts = {
    sets: [first],
    changes: [],
    view: {},
    async fetchRollout(name) {
      world.settle();
      if (name !== 'odoo') throw new HarnessError('ERR_KUBERNETES', `deployments.apps "${name}" not found (404)`);
      const current = newest();
      const fresh = podsOf(current);
      const ready = world.pods.filter((pod) => pod.ready && pod.labels.app === 'odoo').length;
      return {
        name,
        uid: 'deployment-1',
        revision: current.revision,
        paused: false,
        strategy: 'RollingUpdate',
        maxUnavailable: 1,
        revisionHistoryLimit: 10,
        replicas: world.wanted(),
        observed: true,
        existing: fresh.length + others(current).length,
        updated: fresh.length,
        ready,
        available: ready,
        progressing: null,
        containers: [{ name: 'odoo', image: current.images[0] ?? '', port: 8069 }],
        ...fake.view,
      };
    },
    async fetchReplicaSets() {
      world.settle();
      return fake.sets.toSorted((a, b) => (b.revision ?? 0) - (a.revision ?? 0));
    },
    async changeTemplate(_, change) {
      world.settle();
      fake.changes.push(change);
      const uid = `rs-${fake.sets.length + 1}`;
      const image = change.kind === 'image' ? change.image : (newest().images[0] ?? '');
      if (image.includes('no-such-image')) broken.set(uid, 'ErrImageNeverPull');
      if (change.kind === 'readiness-path') broken.set(uid, '');
      rollTo({
        name: `odoo-${uid}`,
        uid,
        revision: null,
        replicas: world.wanted(),
        images: [image],
        annotations: change.annotations,
      });
    },
    async rollTo(_, { uid }) {
      world.settle();
      const set = fake.sets.find((candidate) => candidate.uid === uid);
      if (set === undefined) throw new HarnessError('ERR_KUBERNETES', `no replica set ${uid}`);
      rollTo(set);
    },
  };
  return fake;
}
