/**
 * Processes of one container, by reading /proc with nothing but sh and tr: small images have neither ps nor pgrep. A process is
 * named by pid and start time, so that a signal never reaches another one that got the same pid. Pure but for the scripts.
 */

export interface ContainerProcess {
  readonly pid: number;
  readonly parent: number;
  /** `T`: stopped by a signal. */
  readonly state: string;
  /** Clock ticks since boot; with the pid it names one process for ever. */
  readonly startTicks: string;
  readonly argv: readonly string[];
}

/** One line a process: its stat line, a tab, its arguments with 0x1f between them. */
export const LIST_PROCESSES: readonly string[] = [
  'sh',
  '-c',
  `for d in /proc/[0-9]*; do { read -r s < "$d/stat"; } 2>/dev/null || continue; ` +
    `c=$(tr '\\000\\n' '\\037 ' 2>/dev/null < "$d/cmdline"); printf '%s\\t%s\\n' "$s" "$c"; done`,
];

const START_OF = `start() { { read -r s < "/proc/$1/stat"; } 2>/dev/null || return 1; s=\${s##*) }; set -- $s; shift 19; echo "$1"; }`;

/** Sends a signal to each \`pid:startTicks\` and says for each what came of it. */
export function signalProcesses(signal: 'STOP' | 'CONT' | 'KILL', processes: readonly string[]): readonly string[] {
  const script =
    `${START_OF}; sig=$1; shift; for x in "$@"; do p=\${x%%:*}; ` +
    `if [ "$(start "$p")" != "\${x#*:}" ]; then echo "$p gone"; elif kill -s "$sig" "$p"; then echo "$p ok"; else echo "$p refused"; fi; done`;
  return ['sh', '-c', script, 'signal', signal, ...processes];
}

/** Kills a server with all its backends. It is stopped first, so that it cannot start others while they are being found. */
export function killWithChildren(process: string): readonly string[] {
  const script =
    `${START_OF}; p=\${1%%:*}; if [ "$(start "$p")" != "\${1#*:}" ]; then echo "$p gone"; exit 0; fi; ` +
    `kill -s STOP "$p" || { echo "$p refused"; exit 0; }; k=; for d in /proc/[0-9]*; do { read -r s < "$d/stat"; } 2>/dev/null || continue; ` +
    `t=\${s##*) }; t=\${t#* }; [ "\${t%% *}" = "$p" ] && k="$k \${d#/proc/}"; done; kill -s KILL "$p" && echo "$p ok"; ` +
    `for c in $k; do kill -s KILL "$c" 2>/dev/null; done; exit 0`;
  return ['sh', '-c', script, 'kill', process];
}

export function parseProcesses(output: string): readonly ContainerProcess[] {
  return output.split('\n').flatMap((line) => {
    const tab = line.indexOf('\t');
    const stat = tab < 0 ? line : line.slice(0, tab);
    // The name in brackets may itself hold spaces and brackets.
    const close = stat.lastIndexOf(') ');
    const pid = Number.parseInt(stat, 10);
    if (close < 0 || !Number.isInteger(pid)) return [];
    const [state = '', parent = '', ...rest] = stat.slice(close + 2).split(' ');
    const startTicks = rest[17];
    if (startTicks === undefined) return [];
    const words = tab < 0 ? [] : line.slice(tab + 1).split('\u001f');
    return [{ pid, parent: Number(parent), state, startTicks, argv: words.filter((word) => word !== '') }];
  });
}

export function nameOf({ pid, startTicks }: ContainerProcess): string {
  return `${pid}:${startTicks}`;
}

/** `/usr/bin/python3 /usr/bin/patroni /etc/patroni.yml`, `python3 -m patroni ...`, or a program of that name. */
export function isPatroni({ argv }: ContainerProcess): boolean {
  const [program = '', ...rest] = argv;
  if (basename(program) === 'patroni') return true;
  if (!/^python[\d.]*$/.test(basename(program))) return false;
  const module = rest.indexOf('-m');
  if (module >= 0) return rest[module + 1] === 'patroni';
  const script = rest.find((word) => !word.startsWith('-'));
  return script !== undefined && basename(script) === 'patroni';
}

/** The server itself: its backends call themselves `postgres: ...`. */
export function isPostmaster({ argv }: ContainerProcess): boolean {
  const [program = ''] = argv;
  return ['postgres', 'postmaster'].includes(basename(program)) && !program.startsWith('postgres:');
}

/** `postgres: cluster: walsender replicator 10.0.0.3(4711) streaming 0/3000060`. */
export function isWalsender({ argv }: ContainerProcess): boolean {
  const title = argv.join(' ');
  return title.startsWith('postgres:') && /\bwalsender\b/.test(title);
}

function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** What the scripts above said, by pid. */
export function parseSignalled(output: string): ReadonlyMap<number, 'ok' | 'gone' | 'refused'> {
  const said = new Map<number, 'ok' | 'gone' | 'refused'>();
  for (const [, pid, outcome] of output.matchAll(/^(\d+) (ok|gone|refused)$/gm)) {
    if (outcome === 'ok' || outcome === 'gone' || outcome === 'refused') said.set(Number(pid), outcome);
  }
  return said;
}
