/** The lab pulls nothing: a pod runs only when its image is one that the workload has. */
import type { Container } from '../objects.ts';

export interface ImageProblem {
  readonly reason: string;
  readonly message: string;
}

/** Tags under which a workload's own image is known; each runs the same program. */
const knownTags: ReadonlySet<string> = new Set(['latest', 'next', 'previous']);

/** @param image the workload's own, without a tag. Null: the container can run. */
export function imageProblem(container: Container | undefined, image: string): ImageProblem | null {
  const named = container?.image ?? '';
  const [, repository = '', tag = 'latest'] = /^(.+?)(?::([^:/]+))?$/.exec(named) ?? [];
  if (repository === image && knownTags.has(tag)) return null;
  if (container?.imagePullPolicy === 'Never') {
    return { reason: 'ErrImageNeverPull', message: `Container image "${named}" is not present with pull policy of Never` };
  }
  return { reason: 'ImagePullBackOff', message: `Back-off pulling image "${named}": ErrImagePull: the lab pulls no images` };
}
