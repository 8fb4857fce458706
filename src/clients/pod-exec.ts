/** Programs inside a pod's container, over the API's websocket (`pods/exec`), as `kubectl exec` does it. */
import './load-on-node-22-12.ts';
import { Writable } from 'node:stream';
import { Exec, type V1Status } from '@kubernetes/client-node';
import { HarnessError } from '../errors.ts';
import { describeFetchError } from './http-get.ts';
import { type KubernetesOptions, loadConfig } from './kubernetes-config.ts';
import type { PodExecPort } from './ports.ts';

/** Longest output kept of each stream, in characters; more is left out, never an error. */
const MAX_OUTPUT_CHARACTERS = 200_000;

type Socket = Awaited<ReturnType<Exec['exec']>>;

export function createPodExecPort(options: KubernetesOptions): PodExecPort {
  const config = loadConfig(options);
  const { namespace } = options;
  const exec = new Exec(config);

  return {
    namespace,
    async run(pod, argv, { timeoutMs, container, signal }) {
      const what = `running "${argv[0] ?? ''}" in pod ${namespace}/${pod}`;
      signal?.throwIfAborted();
      const deadline = AbortSignal.timeout(Math.ceil(timeoutMs));
      const limit = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
      const stdout = collect();
      const stderr = collect();
      const ended = Promise.withResolvers<V1Status>();
      ended.promise.catch(() => undefined);
      const giveUp = (): void =>
        ended.reject(
          signal?.aborted === true
            ? signal.reason
            : new HarnessError('ERR_TIMEOUT', `${what} did not end within ${timeoutMs} ms; it may go on in the pod`),
        );
      limit.addEventListener('abort', giveUp, { once: true });
      // The library sends an empty name as "not given": the API then takes the only container, or says that there are several.
      const connecting = exec.exec(
        namespace,
        pod,
        container ?? '',
        [...argv],
        stdout.stream,
        stderr.stream,
        null,
        false,
        ended.resolve,
      );
      connecting.then(
        (socket) => {
          socket.onclose = () =>
            ended.reject(new HarnessError('ERR_KUBERNETES', `${what}: the connection ended before the program's exit was told`));
        },
        (error: unknown) => ended.reject(refused(error, what)),
      );
      try {
        const status = await ended.promise;
        return { exitCode: exitCodeOf(status, what), output: stdout.text(), errors: stderr.text() };
      } finally {
        limit.removeEventListener('abort', giveUp);
        connecting.then(cut, () => undefined);
      }
    },
  };
}

/** The status channel says Success, or a Failure whose causes carry the exit code; any other failure started no program. */
export function exitCodeOf(status: V1Status, what: string): number {
  if (status.status === 'Success') return 0;
  const code = status.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message;
  if (status.reason === 'NonZeroExitCode' && code !== undefined && /^\d+$/.test(code)) return Number(code);
  throw new HarnessError('ERR_KUBERNETES', `${what}: ${status.message ?? status.reason ?? 'it could not be started'}`, {
    hint: 'the container must have the program; see "kubectl exec"',
  });
}

/** The upgrade was refused; the library tells only the number of the answer. */
function refused(error: unknown, what: string): HarnessError {
  const words =
    typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : describeFetchError(error);
  const forbidden = /\b403\b/.test(words);
  return new HarnessError('ERR_KUBERNETES', `${what}: ${words}`, {
    cause: error,
    hint: forbidden
      ? 'give this user the permissions "get pods/exec" and "create pods/exec" in this namespace'
      : 'check that the pod is there, and that its container is named when it has several',
  });
}

function collect() {
  const chunks: string[] = [];
  let length = 0;
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: Buffer | string, _encoding, done) {
      if (length < MAX_OUTPUT_CHARACTERS) {
        const text = chunk.toString().slice(0, MAX_OUTPUT_CHARACTERS - length);
        chunks.push(text);
        length += text.length;
      }
      done();
    },
  });
  return { stream, text: () => chunks.join('') };
}

/** Does not wait for the other side, which may hang. */
function cut(socket: Socket): void {
  socket.onerror = () => undefined;
  if ('terminate' in socket && typeof socket.terminate === 'function') socket.terminate();
  else socket.close();
}
