import { fstatSync } from 'node:fs';

/** Ends this process when its parent is gone, if the parent gave it a pipe as standard input. */
export function exitWithParent(): void {
  const stdin = fstatSync(0);
  if (!stdin.isFIFO() && !stdin.isSocket()) return;
  process.stdin.on('close', () => process.exit(0));
  process.stdin.resume();
}
