/**
 * Any object of any API group, as plain JSON: ChaosEngines, CloudNativePG clusters, jobs, service accounts, events. One request
 * each, without discovery, so the permissions needed are exactly the verbs called.
 */
import './load-on-node-22-12.ts';
import { HttpMethod, type RequestContext, type SecurityAuthentication, ServerConfiguration } from '@kubernetes/client-node';
import { HarnessError } from '../errors.ts';
import type { KubernetesOptions } from './kubernetes-config.ts';
import { apiWords, refusedByApi, toHarnessError } from './kubernetes-errors.ts';
import { createKubernetesHttp } from './kubernetes-http.ts';
import type { ApiObject, ApiResource, CustomObjectsPort } from './ports.ts';
import { timeoutMs } from './timeouts.ts';

interface Call {
  readonly method: HttpMethod;
  readonly path: string;
  /** For people: `creating chaosengines x`. */
  readonly what: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: { readonly type: string; readonly value: unknown };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

export function createCustomObjectsPort(options: KubernetesOptions): CustomObjectsPort {
  const { auth, httpApi, config: configNow } = createKubernetesHttp(options);
  const config = configNow();
  const { namespace } = options;
  const server = config.getCurrentCluster()?.server ?? '';
  const place = `in namespace ${namespace} (context ${config.getCurrentContext()}, ${server})`;
  const base = new ServerConfiguration(server, {});

  const send = async ({ method, path, what, query = {}, body }: Call): Promise<Answer> => {
    try {
      const request = base.makeRequestContext(path, method);
      await prepare(request, auth);
      for (const [name, value] of Object.entries(query)) request.setQueryParam(name, value);
      if (body !== undefined) {
        request.setHeaderParam('Content-Type', body.type);
        request.setBody(JSON.stringify(body.value));
      }
      const response = await httpApi.send(request).toPromise();
      return { status: response.httpStatusCode, text: await response.body.text() };
    } catch (error) {
      throw toHarnessError(error, `${what} ${place}`);
    }
  };
  const refuse = ({ status, text }: Answer, { what }: Call): HarnessError => {
    const refused = refusedByApi(status, text, `${what} ${place}`);
    if (status !== 404 || isAboutObject(text)) return refused;
    return new HarnessError('ERR_KUBERNETES', refused.message, {
      hint: 'this cluster does not serve that kind of object: is its CustomResourceDefinition installed?',
    });
  };
  const require = async (call: Call): Promise<ApiObject> => {
    const answer = await send(call);
    if (answer.status >= 300) throw refuse(answer, call);
    return parseObject(answer.text, `${call.what} ${place}`);
  };
  /** Null: the object is not there, although its kind is. */
  const find = async (call: Call): Promise<ApiObject | null> => {
    const answer = await send(call);
    if (answer.status === 404 && isAboutObject(answer.text)) return null;
    if (answer.status >= 300) throw refuse(answer, call);
    return parseObject(answer.text, `${call.what} ${place}`);
  };
  const pathOf = ({ group, version, plural }: ApiResource, name?: string): string =>
    [
      ...(group === '' ? ['', 'api', version] : ['', 'apis', group, version]),
      'namespaces',
      encodeURIComponent(namespace),
      plural,
      ...(name === undefined ? [] : [encodeURIComponent(name)]),
    ].join('/');

  return {
    namespace,
    fetch: (resource, name) =>
      find({ method: HttpMethod.GET, path: pathOf(resource, name), what: `reading ${label(resource)} ${name}` }),
    async list(resource, { labelSelector, fieldSelector } = {}) {
      const list = await require({
        method: HttpMethod.GET,
        path: pathOf(resource),
        what: `listing ${label(resource)}`,
        query: { ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) },
      });
      return Array.isArray(list.items) ? (list.items as readonly ApiObject[]) : [];
    },
    create: (resource, object) =>
      require({
        method: HttpMethod.POST,
        path: pathOf(resource),
        what: `creating ${label(resource)} ${object.metadata?.name ?? ''}`.trimEnd(),
        body: { type: 'application/json', value: object },
      }),
    patch: (resource, name, change, { subresource } = {}) =>
      require({
        method: HttpMethod.PATCH,
        path: `${pathOf(resource, name)}${subresource === undefined ? '' : `/${subresource}`}`,
        what: `changing ${label(resource)} ${name}`,
        body: { type: 'application/merge-patch+json', value: change },
      }),
    async remove(resource, name, { uid, graceSeconds } = {}) {
      const gone = await find({
        method: HttpMethod.DELETE,
        path: pathOf(resource, name),
        what: `deleting ${label(resource)} ${name}`,
        body: {
          type: 'application/json',
          value: {
            apiVersion: 'v1',
            kind: 'DeleteOptions',
            // A job's pods would outlive it otherwise.
            propagationPolicy: 'Background',
            ...(uid === undefined ? {} : { preconditions: { uid } }),
            ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }),
          },
        },
      });
      return gone !== null;
    },
    async fetchPodLog(pod, { container, tailLines } = {}) {
      const call: Call = {
        method: HttpMethod.GET,
        path: `${pathOf({ group: '', version: 'v1', plural: 'pods' }, pod)}/log`,
        what: `reading the log of pod ${pod}`,
        query: { ...(container && { container }), ...(tailLines && { tailLines: String(tailLines) }) },
      };
      const answer = await send(call);
      if (answer.status >= 300) throw refuse(answer, call);
      return answer.text;
    },
  };
}

async function prepare(request: RequestContext, auth: SecurityAuthentication): Promise<void> {
  request.setHeaderParam('Accept', 'application/json, */*;q=0.1');
  // Otherwise zstd is accepted too, on every Node, although the oldest cannot read it.
  request.setHeaderParam('Accept-Encoding', 'gzip');
  request.setSignal(AbortSignal.timeout(timeoutMs('kubernetesCall')));
  await auth.applySecurityAuthentication(request);
}

function label({ group, plural }: ApiResource): string {
  return group === '' ? plural : `${plural}.${group}`;
}

/** A 404 for a kind that is not served is plain text, or a Status without the name of an object. */
function isAboutObject(text: string): boolean {
  try {
    const status = JSON.parse(text) as { readonly details?: { readonly name?: unknown } } | null;
    return typeof status?.details?.name === 'string' && status.details.name !== '';
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function parseObject(text: string, what: string): ApiObject {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as ApiObject;
  } catch (cause) {
    throw new HarnessError('ERR_KUBERNETES', `${what}: the answer is no JSON: ${apiWords(text) ?? 'empty'}`, { cause });
  }
  throw new HarnessError('ERR_KUBERNETES', `${what}: the answer is no object: ${text.slice(0, 200)}`);
}
