import { writeSecret } from '../../processes/lab-folder.ts';
import { certificateFile, keyFile } from './certificates.ts';

export const CONTEXT = 'peakproof-node';

/** Writes a kubeconfig that names the certificate's files. It holds no key itself; still only its owner may read it. */
export function writeKubeconfig(
  file: string,
  options: { readonly pki: string; readonly server: string; readonly user: string },
): void {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: CONTEXT, cluster: { server: options.server, 'certificate-authority': certificateFile(options.pki, 'ca') } },
    ],
    users: [
      {
        name: options.user,
        user: {
          'client-certificate': certificateFile(options.pki, options.user),
          'client-key': keyFile(options.pki, options.user),
        },
      },
    ],
    contexts: [{ name: CONTEXT, context: { cluster: CONTEXT, user: options.user, namespace: 'default' } }],
    'current-context': CONTEXT,
  };
  writeSecret(file, `${JSON.stringify(config, null, 2)}\n`);
}
