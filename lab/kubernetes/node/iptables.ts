/**
 * Chains of the packet filter. kube-proxy, the kubelet and CNI make `KUBE-*` and `CNI-*`; we make one of our own. A host that
 * has such chains before we start runs another Kubernetes, and is refused: so all of them are ours to take away.
 */
import { hostProgram } from './debian-packages.ts';
import { run } from './run.ts';

const OWN_CHAIN = 'PEAKPROOF-NODE';
const OURS = /^(KUBE|CNI)-|^PEAKPROOF-NODE$/;

export const FAMILIES = ['iptables', 'ip6tables'] as const;
export type Family = (typeof FAMILIES)[number];

export interface Table {
  readonly name: string;
  readonly chains: readonly string[];
  /** `-A CHAIN ...` */
  readonly rules: readonly string[];
}

/** The rules of a family; none where the kernel has no such family. */
export async function readTables(family: Family): Promise<readonly Table[]> {
  return parseTables(await run(hostProgram(`${family}-save`), [], { okCodes: [1, 3] }));
}

/** @param text output of `iptables-save` */
export function parseTables(text: string): readonly Table[] {
  const tables: { name: string; chains: string[]; rules: string[] }[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) tables.push({ name: line.slice(1).trim(), chains: [], rules: [] });
    else if (line.startsWith(':')) tables.at(-1)?.chains.push(line.slice(1).split(' ', 1)[0] ?? '');
    else if (line.startsWith('-A ')) tables.at(-1)?.rules.push(line);
  }
  return tables;
}

export function foreignKubernetesChains(tables: readonly Table[]): readonly string[] {
  return tables.flatMap(({ name, chains }) => chains.filter((chain) => OURS.test(chain)).map((chain) => `${name}/${chain}`));
}

/** Lets pods talk to each other and to the host where a firewall (Docker's, ufw) drops what it does not know. */
export async function acceptPods(podRange: string): Promise<void> {
  const lines = [
    '*filter',
    `:${OWN_CHAIN} - [0:0]`,
    `-A ${OWN_CHAIN} -s ${podRange} -j ACCEPT`,
    `-A ${OWN_CHAIN} -d ${podRange} -j ACCEPT`,
    `-I FORWARD 1 -j ${OWN_CHAIN}`,
    `-I INPUT 1 -s ${podRange} -j ${OWN_CHAIN}`,
    'COMMIT',
    '',
  ];
  await run(hostProgram('iptables-restore'), ['--noflush', '-w', '10'], { input: lines.join('\n') });
}

/** What takes our chains out of a table, as input of `iptables-restore --noflush`; null when it has none. */
export function removalOf(table: Table): string | null {
  const ours = table.chains.filter((chain) => OURS.test(chain));
  if (ours.length === 0) return null;
  const isOurs = new Set(ours);
  const references = table.rules.filter((rule) => {
    const chain = rule.split(' ')[1] ?? '';
    const target = / -[jg] (\S+)/.exec(rule)?.[1] ?? '';
    return !isOurs.has(chain) && isOurs.has(target);
  });
  return [
    `*${table.name}`,
    // Naming a chain empties it.
    ...ours.map((chain) => `:${chain} - [0:0]`),
    ...references.map((rule) => rule.replace(/^-A /, '-D ')),
    ...ours.map((chain) => `-X ${chain}`),
    'COMMIT',
    '',
  ].join('\n');
}

/** Takes away every chain of ours. Built-in chains stay, empty, as `iptables -L` makes them too. */
export async function removeOwnChains(family: Family): Promise<void> {
  for (const table of await readTables(family)) {
    const input = removalOf(table);
    if (input !== null) await run(hostProgram(`${family}-restore`), ['--noflush', '-w', '10'], { input });
  }
}
