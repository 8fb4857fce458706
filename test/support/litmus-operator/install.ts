/** Installs the kinds of Litmus and the experiment pod-delete into a cluster, over its API. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { packageRoot } from '../../../src/clients/package-root.ts';
import type { ApiObject, CustomObjectsPort } from '../../../src/clients/ports.ts';
import { ACCOUNTS, EXPERIMENTS } from './operator.ts';

export async function litmusDefinitions(): Promise<readonly ApiObject[]> {
  return readAll('crds.yaml');
}

/** `createDefinition`: POST to /apis/apiextensions.k8s.io/v1/customresourcedefinitions; definitions belong to no namespace. */
export async function installLitmus(
  objects: CustomObjectsPort,
  createDefinition: (definition: ApiObject) => Promise<void>,
): Promise<void> {
  for (const definition of await litmusDefinitions()) await createDefinition(definition);
  for (const object of await readAll('pod-delete.yaml'))
    await objects.create(object.kind === 'ServiceAccount' ? ACCOUNTS : EXPERIMENTS, object);
}

/** Address of the API server in a lab's kubeconfig. */
export async function labUrl(kubeconfig: string): Promise<string> {
  const { clusters } = parse(await readFile(kubeconfig, 'utf8')) as {
    readonly clusters: readonly { readonly cluster: { readonly server: string } }[];
  };
  return clusters[0]?.cluster.server ?? '';
}

/** To an API server without credentials, as the practice lab is. */
export function postDefinition(url: string, definition: ApiObject): Promise<Response> {
  return fetch(`${url}/apis/apiextensions.k8s.io/v1/customresourcedefinitions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(definition),
  });
}

async function readAll(name: string): Promise<readonly ApiObject[]> {
  const text = await readFile(join(packageRoot(), 'test/fixtures/litmus', name), 'utf8');
  return parseAllDocuments(text).map((document) => document.toJS() as ApiObject);
}
