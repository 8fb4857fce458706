import { Argument, Command } from 'commander';
import type { CliContext } from '../context.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

export function completionCommand({ output }: CliContext, program: Command): Command {
  return new Command('completion')
    .description('print a completion script for your shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .addHelpText('after', '\nExample:\n  $ source <(peakproof completion bash)')
    .action((shell: Shell) => output.out(completionScript(shell, program)));
}

/** Every command path with the words that may follow it, taken from the program itself so that it cannot drift. */
function words(command: Command, path: readonly string[] = []): { readonly path: string; readonly words: string }[] {
  const options = command.options.flatMap((option) => (option.long === undefined ? [] : [option.long]));
  const own = { path: path.join(' '), words: [...command.commands.map((child) => child.name()), ...options, '--help'].join(' ') };
  return [own, ...command.commands.flatMap((child) => words(child, [...path, child.name()]))];
}

function completionScript(shell: Shell, program: Command): string {
  const rows = words(program);
  if (shell === 'fish') {
    return rows
      .map(({ path, words: list }) => {
        const condition =
          path === ''
            ? '__fish_use_subcommand'
            : path
                .split(' ')
                .map((word) => `__fish_seen_subcommand_from ${word}`)
                .join('; and ');
        return `complete -c peakproof -n '${condition}' -a '${list}'`;
      })
      .join('\n');
  }
  const cases = rows.map(({ path, words: list }) => `    "${path}") list="${list}" ;;`).join('\n');
  const body = `_peakproof() {
  local path="" list="" word index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "$word" in -*) continue ;; esac
    case "\${path:+$path }$word" in
${rows
  .filter(({ path }) => path !== '')
  .map(({ path }) => `      "${path}") path="${path}" ;;`)
  .join('\n')}
    esac
  done
  case "$path" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$list" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [[ \${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o filenames -F _peakproof peakproof`;
  return shell === 'bash' ? body : `autoload -U +X bashcompinit && bashcompinit\n${body}`;
}
