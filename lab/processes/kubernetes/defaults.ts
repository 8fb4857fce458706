/** Defaults that the API server writes into an autoscaler, so that its spec tells what it will do. */
import { isObject } from './json.ts';
import type { HpaBehavior, ScalingRules } from './objects.ts';

const scaleUp: ScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
};

const scaleDown: ScalingRules = {
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
};

/** Both directions are filled in as soon as one is given; without any behavior the spec stays silent, as in Kubernetes. */
export function defaultedBehavior(behavior: HpaBehavior | undefined): HpaBehavior | undefined {
  if (behavior === undefined) return undefined;
  return { scaleUp: { ...scaleUp, ...behavior.scaleUp }, scaleDown: { ...scaleDown, ...behavior.scaleDown } };
}

/** The same on a spec that a client wrote and that is not validated yet. */
export function defaultedAutoscalerSpec(spec: unknown): unknown {
  if (!isObject(spec)) return spec;
  const behavior = spec.behavior;
  const filled = { minReplicas: 1, metrics: [], ...spec };
  if (!isObject(behavior)) return filled;
  const rules = (key: string, defaults: ScalingRules) => ({ ...defaults, ...(isObject(behavior[key]) ? behavior[key] : {}) });
  return { ...filled, behavior: { scaleUp: rules('scaleUp', scaleUp), scaleDown: rules('scaleDown', scaleDown) } };
}
