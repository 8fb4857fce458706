import { describe, expect, test } from 'vitest';
import { KubernetesError } from '../../../src/clients/kubernetes-errors.ts';
import type { CustomObjectsPort } from '../../../src/clients/ports.ts';
import type { JournalEvent } from '../../../src/model/run-records.ts';
import { patientDoors } from '../../../src/run/patient-doors.ts';
import { revertEntry } from '../../../src/run/revert-entry.ts';
import { runFault } from '../../../src/run/run-fault.ts';
import type { UndoLog } from '../../../src/run/undo.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';
import { createFakeKubernetes } from '../../fakes/fake-kubernetes.ts';

const refused = (): Error => {
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  return new KubernetesError('no API server', null, { cause: new TypeError('fetch failed', { cause }) });
};
const status = (code: number, words = 'trouble'): Error => new KubernetesError(`${words} (${code})`, code);
const lost = (): Error => new KubernetesError('no answer in time', null, { cause: new DOMException('late', 'TimeoutError') });

/** A cluster whose API is away until `backAt` (ms from the start). `fail` makes the error of a call meanwhile. */
function aCluster(backAt: number, fail: () => Error = refused) {
  const clock = createFakeClock();
  const startAt = clock.now();
  const fake = createFakeKubernetes({ clock });
  const away = (): boolean => clock.now() - startAt < backAt;
  const guarded =
    <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      away() ? Promise.reject(fail()) : work(...args);
  const kubernetes = {
    ...fake,
    fetchPods: guarded(fake.fetchPods),
    fetchDeployment: guarded(fake.fetchDeployment),
    deletePod: guarded(fake.deletePod),
  };
  return { clock, startAt, fake, kubernetes };
}

describe('a change of the target', () => {
  test.each([
    ['is away', refused],
    ['is restarting', () => status(503)],
    ['throttles', () => status(429)],
    ['does not take our token', () => status(401)],
    ['has forgotten the version that we ask from', () => status(410)],
  ])('is made when the API server that %s is back', async (_, fail) => {
    const { clock, startAt, fake, kubernetes } = aCluster(20_000, fail);
    const patient = patientDoors({ clock, kubernetes }, { limitMs: 60_000 });
    await patient.doors.kubernetes?.deletePod('odoo-6d-1', { uid: 'uid-1', graceSeconds: 0 });
    expect(fake.deletions).toHaveLength(1);
    expect(patient.waits()).toEqual([expect.stringMatching(/^deleting pod odoo-6d-1 was tried for 20 s: /)]);
    expect(clock.now() - startAt).toBe(20_000);
  });

  test('is given up at its limit with the last words of the API', async () => {
    const { clock, startAt, kubernetes } = aCluster(Number.POSITIVE_INFINITY);
    const { doors } = patientDoors({ clock, kubernetes }, { limitMs: 30_000 });
    await expect(doors.kubernetes?.deletePod('odoo-6d-1', { uid: 'uid-1', graceSeconds: 0 })).rejects.toThrow('no API server');
    expect(clock.now() - startAt).toBe(29_000);
  });

  test.each([403, 404, 422])('that is refused (%i) is not asked for again', async (code) => {
    const { clock, startAt, kubernetes } = aCluster(60_000, () => status(code));
    const { doors } = patientDoors({ clock, kubernetes }, { limitMs: 30_000 });
    await expect(doors.kubernetes?.deletePod('odoo-6d-1', { uid: 'uid-1', graceSeconds: 0 })).rejects.toThrow(`(${code})`);
    expect(clock.now()).toBe(startAt);
  });

  test('ends at once when the run is stopped', async () => {
    const { clock, kubernetes } = aCluster(Number.POSITIVE_INFINITY);
    const { doors } = patientDoors({ clock, kubernetes }, { limitMs: 30_000, signal: AbortSignal.abort('stop') });
    await expect(doors.kubernetes?.deletePod('odoo-6d-1', { uid: 'uid-1', graceSeconds: 0 })).rejects.toBe('stop');
  });

  test('whose answer was lost counts from the try that may have been heard', async () => {
    const { clock, startAt, kubernetes } = aCluster(5_000, lost);
    const patient = patientDoors({ clock, kubernetes }, { limitMs: 30_000 });
    await patient.doors.kubernetes?.deletePod('odoo-6d-1', { uid: 'uid-1', graceSeconds: 0 });
    expect(patient.touchedAt()).toBe(startAt);
    const sure = aCluster(5_000);
    const other = patientDoors({ clock: sure.clock, kubernetes: sure.kubernetes }, { limitMs: 30_000 });
    await other.doors.kubernetes?.deletePod('odoo-6d-1', { uid: 'uid-1', graceSeconds: 0 });
    expect(other.touchedAt()).toBe(sure.startAt + 5_000);
  });

  test('whose answer was lost and whose object is gone was made', async () => {
    const answers = [lost(), status(404, 'pods "odoo-6d-1" not found')];
    const clock = createFakeClock();
    const kubernetes = { ...createFakeKubernetes({ clock }), deletePod: () => Promise.reject(answers.shift()) };
    const { doors } = patientDoors({ clock, kubernetes }, { limitMs: 30_000 });
    await doors.kubernetes?.deletePod('odoo-6d-1', { uid: 'uid-1', graceSeconds: 0 });
    expect(answers).toEqual([]);
  });

  test('an object that exists after a lost answer is ours; without one, the conflict is told', async () => {
    const clock = createFakeClock();
    const resource = { group: 'batch', version: 'v1', plural: 'jobs' };
    const made = { metadata: { name: 'j' } };
    const port = (answers: Error[]): CustomObjectsPort =>
      ({ create: () => Promise.reject(answers.shift()), fetch: async () => made }) as unknown as CustomObjectsPort;
    const create = (answers: Error[]) =>
      patientDoors({ clock, customObjects: port(answers) }, { limitMs: 30_000 }).doors.customObjects?.create(resource, made);
    await expect(create([lost(), status(409, 'already exists')])).resolves.toBe(made);
    await expect(create([status(409, 'already exists')])).rejects.toThrow('already exists');
  });
});

describe('a fault', () => {
  const kill = {
    kind: 'kubernetes/kill-pods',
    id: 'kill',
    atMs: 0,
    proveWithinMs: 30_000,
    revertWithinMs: 30_000,
    selector: 'app=odoo',
    amount: { count: 1 },
    force: true,
    graceSeconds: 0,
    maxAffectedRatio: 0.5,
  } as const;

  function anUndoLog(): UndoLog {
    const open = new Map<string, unknown>();
    return {
      open: async (entry: { id?: string }) => {
        open.set('undo-1', { id: 'undo-1', ...entry });
        return 'undo-1';
      },
      closeEntry: async (id: string) => void open.delete(id),
      openEntries: () => [...open.values()],
    } as unknown as UndoLog;
  }

  test('that meets an API server gone for 20 s happens, is proven and reverted, and its clock starts when it did', async () => {
    const { clock, startAt, kubernetes, fake } = aCluster(20_000);
    const events: JournalEvent[] = [];
    const journal = async (event: JournalEvent) => void events.push(event);
    const signal = new AbortController().signal;
    const complete = await runFault({ spec: kill, doors: { clock, kubernetes }, runId: 'r', undo: anUndoLog(), journal, signal });
    expect(complete).toBe(true);
    expect(fake.deletions).toHaveLength(1);
    expect(events).toContainEqual(expect.objectContaining({ type: 'fault-proven', proven: true }));
    const injected = events.find(({ type }) => type === 'fault-injected');
    expect(injected?.at).toBe(startAt + 20_000);
  });

  test('reverts when the API server is back, and tells when it is not', async () => {
    const undo = anUndoLog();
    const entry = {
      id: 'undo-1',
      fault: 'kill',
      kind: 'kubernetes/kill-pods',
      action: '',
      data: { selector: 'app=odoo', replicas: 4, deployment: null },
    } as const;
    const back = aCluster(20_000);
    const doors = { clock: back.clock, kubernetes: back.kubernetes };
    expect(await revertEntry(entry, { undo, doors, limitMs: 30_000 })).toMatchObject({ complete: true });
    const gone = aCluster(Number.POSITIVE_INFINITY);
    const never = { clock: gone.clock, kubernetes: gone.kubernetes };
    expect(await revertEntry(entry, { undo, doors: never, limitMs: 30_000 })).toMatchObject({
      complete: false,
      detail: expect.stringContaining('no API server'),
    });
  });
});
