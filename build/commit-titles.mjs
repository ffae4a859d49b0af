// Checks the titles of commits: at most 72 characters, and the place of the change (`core/vmm: …`).
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './script.mjs';

/** The commits from before the rule, which keep their titles. */
const ruleSince = '2026-11-26T07:00:00Z';
const maxTitleLength = 72;

/** The reason why a title breaks the rule, or null. */
export function judgeTitle(title) {
  if ([...title].length > maxTitleLength) return `has ${[...title].length} characters, more than ${maxTitleLength}`;
  if (!/^[\w.*/{}-]+(, ?[\w.*/{}-]+)*: \S/.test(title))
    return 'does not begin with where the change is, as "core/vmm: …"';
  return null;
}

/** Checks the commits of this branch. Shape: as `runCheckTool`. A tree without history has nothing to check. */
export function checkCommitTitles(dir = root) {
  if (!existsSync(join(dir, '.git'))) return { ok: true, output: '' };
  const args = ['log', '--no-merges', `--since=${ruleSince}`, '--format=%h %s'];
  const wrong = execFileSync('git', args, { cwd: dir, encoding: 'utf8' })
    .split('\n')
    .filter(Boolean)
    .flatMap((line) => {
      const [, hash, title] = /^(\S+) ?(.*)$/.exec(line);
      const reason = judgeTitle(title);
      return reason ? [`${hash} "${title}" ${reason}`] : [];
    });
  return { ok: wrong.length === 0, output: wrong.join('\n') };
}
