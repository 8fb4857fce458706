/** Reads a plan file: every problem at once, each with its place in the file. */
import { LineCounter, parseDocument } from 'yaml';
import { HarnessError, type Problem } from '../errors.ts';
import type { Plan } from '../model/plan.ts';
import { checkReferences } from './check-references.ts';
import { planSchema, planSections } from './schema.ts';

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/**
 * @param text YAML or JSON.
 * @param name For messages, usually the path of the file.
 * @throws HarnessError ERR_PLAN_INVALID with every problem found.
 */
export function readPlan(text: string, name: string): Plan {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const at = (path: readonly PropertyKey[]): string => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node: unknown = document.getIn(path.slice(0, depth), true);
      const start = rangeStart(node);
      if (start === undefined) continue;
      const { line, col } = lines.linePos(start);
      return `${name}:${line}:${col}${path.length === 0 ? '' : ` ${formatPath(path)}`}`;
    }
    return `${name} ${formatPath(path)}`;
  };
  if (document.errors.length > 0) {
    fail(
      name,
      document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return { at: `${name}:${line}:${col}`, message: error.message.split('\n')[0] ?? error.message };
      }),
    );
  }
  const raw: unknown = document.toJS();
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    fail(name, [{ at: name, message: 'is not a plan; see "peakproof plan schema" and the ready plans in plans/' }]);
  }
  const parsed = planSchema.safeParse(raw);
  const sound = parsed.success ? parsed.data : soundSections(raw);
  const issues: Issue[] = [...(parsed.success ? [] : flatten(parsed.error.issues)), ...checkReferences(sound)];
  if (issues.length > 0 || !parsed.success)
    fail(
      name,
      issues.map((issue) => ({ at: at(issue.path), message: issue.message })),
    );
  return parsed.data;
}

/** The sections that are right by themselves, so that cross-checks can run on them beside the problems of the others. */
function soundSections(raw: object): Partial<Plan> {
  const given = raw as Readonly<Record<string, unknown>>;
  const sound: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(planSections)) {
    const parsed = schema.safeParse(given[key]);
    if (parsed.success) sound[key] = parsed.data;
  }
  return sound as Partial<Plan>;
}

type ZodIssue = NonNullable<ReturnType<typeof planSchema.safeParse>['error']>['issues'][number];

/** Names unknown keys one by one and unfolds what a union hides. */
function flatten(issues: readonly ZodIssue[]): Issue[] {
  return issues.flatMap((issue): Issue[] => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({
        path: [...issue.path, key],
        message: 'is not a key that a plan has here; check its spelling against "peakproof plan schema"',
      }));
    if (issue.code === 'invalid_union' && issue.discriminator !== undefined)
      return [
        {
          path: issue.path,
          message: `is missing or not known; see "peakproof plan schema" for what ${String(issue.discriminator)} may be`,
        },
      ];
    if (issue.code === 'invalid_type' && issue.input === undefined)
      return [{ path: issue.path, message: `is missing or ${lower(issue.message)}` }];
    return [{ path: issue.path, message: lower(issue.message) }];
  });
}

const lower = (text: string): string =>
  text.startsWith('Invalid ') || text.startsWith('Too ') ? text.charAt(0).toLowerCase() + text.slice(1) : text;

function rangeStart(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node)) return undefined;
  const range: unknown = node.range;
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : undefined;
}

function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`))
    .join('');
}

function fail(name: string, problems: readonly Problem[]): never {
  throw new HarnessError('ERR_PLAN_INVALID', `${name} has ${problems.length} problem${problems.length === 1 ? '' : 's'}`, {
    problems,
    hint: 'mend each place named; "peakproof plan schema" prints what a plan may hold',
  });
}
