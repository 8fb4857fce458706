/** k6's log, line by line (`--log-format json`): when the load started, what went wrong. */

export interface K6LogReader {
  see(line: string): void;
  /** Instant that the script's setup named, epoch ms. */
  startedAt(): number | null;
  /** Uncaught exceptions of iterations, which k6 itself counts nowhere. */
  scriptErrors(): number;
  firstError(): string | null;
}

const START = /peakproof: load starts at (\d+)/;

export function createK6LogReader(onStarted: (at: number) => void): K6LogReader {
  let startedAt: number | null = null;
  let scriptErrors = 0;
  let firstError: string | null = null;
  return {
    see(line) {
      const entry = parse(line);
      if (entry === null) {
        if (/^(panic|fatal error|runtime error)/.test(line)) firstError = line;
        return;
      }
      const start = START.exec(entry.msg)?.[1];
      if (start !== undefined && startedAt === null) {
        startedAt = Number(start);
        onStarted(startedAt);
      }
      if (entry.level !== 'error' && entry.level !== 'fatal' && entry.level !== 'panic') return;
      if (entry.hint === 'script exception' || entry.source === 'stacktrace') scriptErrors += 1;
      const text = [entry.msg.trim().split('\n')[0] ?? '', entry.error].filter((part) => part !== '').join(': ');
      // The first cause is what to look at; a full disk is what everything after it comes from.
      if (firstError === null || /no space left/i.test(text)) firstError = text;
    },
    startedAt: () => startedAt,
    scriptErrors: () => scriptErrors,
    firstError: () => firstError,
  };
}

interface LogEntry {
  readonly level: string;
  readonly msg: string;
  readonly error: string;
  readonly hint: string;
  readonly source: string;
}

function parse(line: string): LogEntry | null {
  if (!line.startsWith('{')) return null;
  try {
    const entry = JSON.parse(line) as Record<string, unknown>;
    const text = (name: string) => (typeof entry[name] === 'string' ? entry[name] : '');
    return { level: text('level'), msg: text('msg'), error: text('error'), hint: text('hint'), source: text('source') };
  } catch (error) {
    // A line cut by a killed k6, or output that only looks like JSON: it says nothing.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
