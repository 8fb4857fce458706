/** A kubeconfig with one context for the lab. */

/**
 * The server speaks plain HTTP on the loopback address: Node's client then insists on `insecure-skip-tls-verify`, and kubectl
 * sends no credentials, so there are none.
 */
export function renderKubeconfig(options: {
  readonly contextName: string;
  readonly namespace: string;
  readonly url: string;
}): string {
  const quoted = (text: string) => JSON.stringify(text);
  const { contextName, namespace, url } = options;
  return [
    'apiVersion: v1',
    'kind: Config',
    `current-context: ${quoted(contextName)}`,
    'preferences: {}',
    'clusters:',
    `- name: ${quoted(contextName)}`,
    '  cluster:',
    `    server: ${quoted(url)}`,
    '    insecure-skip-tls-verify: true',
    'users:',
    `- name: ${quoted(contextName)}`,
    '  user: {}',
    'contexts:',
    `- name: ${quoted(contextName)}`,
    '  context:',
    `    cluster: ${quoted(contextName)}`,
    `    user: ${quoted(contextName)}`,
    `    namespace: ${quoted(namespace)}`,
    '',
  ].join('\n');
}
