/** The cluster's certificates, made with openssl. Keys are readable by root only and never leave the state folder. */
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSecret } from '../../processes/lab-folder.ts';
import type { Addresses } from './addresses.ts';
import { hostProgram } from './debian-packages.ts';
import { run } from './run.ts';

const VALID_DAYS = '365';

export type Authority = 'ca' | 'etcd-ca' | 'front-proxy-ca';

interface Certificate {
  readonly name: string;
  readonly authority: Authority;
  readonly user: string;
  readonly group?: string;
  /** Names and addresses under which it serves; none for a client. */
  readonly serves?: readonly string[];
}

/** Users of the control plane that Kubernetes' own roles know, and two of ours (cluster-objects.ts). */
export const CLIENT_USERS: Readonly<Record<string, { readonly user: string; readonly group?: string }>> = {
  admin: { user: 'peakproof-admin', group: 'system:masters' },
  'kube-controller-manager': { user: 'system:kube-controller-manager' },
  'kube-scheduler': { user: 'system:kube-scheduler' },
  'kube-proxy': { user: 'system:kube-proxy' },
  'metrics-server': { user: 'peakproof:metrics-server' },
  coredns: { user: 'peakproof:coredns' },
};

function certificatesOf(addresses: Addresses, nodeNames: readonly string[]): readonly Certificate[] {
  const [address = ''] = addresses.nodeAddresses;
  const apiNames = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
    'localhost',
  ];
  return [
    { name: 'etcd', authority: 'etcd-ca', user: 'etcd', serves: [address] },
    { name: 'etcd-client', authority: 'etcd-ca', user: 'kube-apiserver' },
    { name: 'apiserver', authority: 'ca', user: 'kube-apiserver', serves: [...apiNames, address, addresses.apiServiceAddress] },
    { name: 'apiserver-kubelet', authority: 'ca', user: 'kube-apiserver-kubelet-client', group: 'system:masters' },
    { name: 'front-proxy', authority: 'front-proxy-ca', user: 'front-proxy-client' },
    {
      name: 'metrics-server-serving',
      authority: 'ca',
      user: 'metrics-server',
      serves: ['metrics-server.kube-system.svc', 'metrics-server.kube-system', address],
    },
    ...Object.entries(CLIENT_USERS).map(([name, identity]): Certificate => ({ name, authority: 'ca', ...identity })),
    ...nodeNames.map((name, index): Certificate => {
      const serves = [name, addresses.nodeAddresses[index] ?? address];
      return { name: `kubelet-${name}`, authority: 'ca', user: `system:node:${name}`, group: 'system:nodes', serves };
    }),
  ];
}

export function certificateFile(pki: string, name: string): string {
  return join(pki, `${name}.crt`);
}

export function keyFile(pki: string, name: string): string {
  return join(pki, `${name}.key`);
}

/** Three authorities, every certificate, and the key pair of service account tokens. */
export async function createCertificates(pki: string, addresses: Addresses, nodeNames: readonly string[]): Promise<void> {
  const authorities: readonly Authority[] = ['ca', 'etcd-ca', 'front-proxy-ca'];
  await Promise.all(authorities.map((name) => createAuthority(pki, name)));
  await Promise.all(certificatesOf(addresses, nodeNames).map((certificate) => createCertificate(pki, certificate)));
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeSecret(join(pki, 'service-accounts.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }).toString());
  writeFileSync(join(pki, 'service-accounts.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-sha256', '-days', VALID_DAYS];

async function createAuthority(pki: string, name: Authority): Promise<void> {
  const config = `[req]\nprompt = no\ndistinguished_name = name\nx509_extensions = authority\n[name]\nCN = peakproof ${name}\n[authority]\nbasicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign, cRLSign, digitalSignature\nsubjectKeyIdentifier = hash\n`;
  await openssl(pki, name, config, []);
}

async function createCertificate(pki: string, certificate: Certificate): Promise<void> {
  const subject = [...(certificate.group === undefined ? [] : [`O = ${certificate.group}`]), `CN = ${certificate.user}`];
  const names = (certificate.serves ?? []).map((name) => (/^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`));
  const config = [
    '[req]',
    'prompt = no',
    'distinguished_name = name',
    'x509_extensions = leaf',
    '[name]',
    ...subject,
    '[leaf]',
    'basicConstraints = critical, CA:FALSE',
    'keyUsage = critical, digitalSignature',
    // etcd asks itself as a client, with the certificate that it serves with.
    `extendedKeyUsage = ${names.length > 0 ? 'serverAuth, clientAuth' : 'clientAuth'}`,
    ...(names.length > 0 ? [`subjectAltName = ${names.join(', ')}`] : []),
    '',
  ].join('\n');
  const signer = ['-CA', certificateFile(pki, certificate.authority), '-CAkey', keyFile(pki, certificate.authority)];
  await openssl(pki, certificate.name, config, signer);
}

async function openssl(pki: string, name: string, config: string, signer: readonly string[]): Promise<void> {
  const configFile = join(pki, `${name}.cnf`);
  writeFileSync(configFile, config);
  const files = ['-keyout', keyFile(pki, name), '-out', certificateFile(pki, name)];
  await run(hostProgram('openssl'), ['req', '-x509', '-new', ...NEW_KEY, '-config', configFile, ...signer, ...files]);
  chmodSync(keyFile(pki, name), 0o600);
}
