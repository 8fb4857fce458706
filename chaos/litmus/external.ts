import { HarnessError } from '../../src/errors.ts';
import type { LitmusExternalSpec } from '../../src/model/plan.ts';
import type { Fault } from '../fault.ts';
import { requireDoor } from '../require-door.ts';

const KIND = 'litmus/external';

/** A fault that somebody else injects: the schedule leaves it alone, `peakproof import litmus` adds its record afterwards. */
export const litmusExternal: Fault<LitmusExternalSpec> = {
  kind: KIND,
  summary: 'leaves a fault to Litmus (ChaosCenter); its record is imported into the run folder afterwards',
  needs: ['kubernetes'],
  access: [{ verb: 'list', group: '', resource: 'pods' }],

  async plan(spec, doors) {
    const kubernetes = requireDoor(doors, 'kubernetes', KIND);
    const place = `${kubernetes.context}/${kubernetes.namespace}`;
    const pods = await kubernetes.fetchPods(spec.selector);
    if (pods.length === 0)
      throw new HarnessError('ERR_SELECTOR_EMPTY', `no pod in ${place} matches ${spec.selector}`, {
        hint: 'compare with: kubectl get pods --show-labels',
      });
    return {
      target: `pods ${spec.selector} in ${place}, by ${spec.experiment} from outside`,
      blastRadius: `not ours to limit; ${pods.length} pods match`,
      undo: 'nothing: Peakproof does not inject it',
      state: null,
    };
  },
  inject: () => Promise.reject(leftToOthers()),
  prove: () => Promise.reject(leftToOthers()),
  revert: () => Promise.resolve({ complete: true, detail: 'nothing to undo' }),
};

function leftToOthers(): HarnessError {
  return new HarnessError('ERR_FAULT_UNSUPPORTED', `${KIND} is injected from outside, never by a run`);
}
