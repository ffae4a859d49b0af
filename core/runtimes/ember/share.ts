/** The folder of this machine that a function reads while it runs. */
import { realpath, stat } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { notTrusted } from '#core/bundle/check-trust.ts';
import type { MachineRequest } from '#core/runtime/machines.ts';
import type { Machine } from '#core/vmm/machine.ts';
import { FirstlightError } from '#shared/errors.ts';
import { emberConfigOf } from './options.ts';

/**
 * The shared folders of a machine. QEMU follows no link in them, so nothing outside is reached. A link may have taken the
 * place of the folder itself since the project's trust was checked: it is looked at again here.
 *
 * Errors: NOT_FOUND without such a folder; PROJECT_NOT_TRUSTED for one outside of a project without trust; STORE_UNUSABLE for
 * one that QEMU's user cannot read.
 */
export async function sharesOf({
  config,
  projectDir,
  isTrusted = false,
  vmm,
}: Pick<MachineRequest, 'config' | 'projectDir' | 'isTrusted' | 'vmm'>): Promise<Machine['shares']> {
  const { share } = emberConfigOf(config);
  if (share === undefined || projectDir === null) return [];
  const named = resolve(projectDir, share);
  const path = await realpath(named).catch(() => named);
  const stats = await stat(path).catch(() => null);
  if (stats === null || !stats.isDirectory()) {
    throw new FirstlightError('NOT_FOUND', `There is no folder ${named}.`, {
      hint: 'Correct "ember.share" in firstlight.json.',
      details: { subject: named },
    });
  }
  if (!isTrusted && path !== projectDir && !path.startsWith(`${projectDir}${sep}`)) {
    const message = `Reads ${path} while it runs ("ember.share").`;
    throw notTrusted({ dir: projectDir, name: config.name }, [{ severity: 'error', message }]);
  }
  if (vmm !== null && !vmm.runsAsThisUser) await checkReadable(path);
  return [{ kind: '9p', path, tag: 'share', isReadOnly: true }];
}

const maySearch = 0o001;
const mayReadAndSearch = 0o005;

/** Whether all users may read a folder: libvirt's daemon has QEMU run as another one. Errors: STORE_UNUSABLE. */
async function checkReadable(path: string): Promise<void> {
  for (let at = path, wanted = mayReadAndSearch; ; at = dirname(at), wanted = maySearch) {
    const { mode } = await stat(at);
    if ((mode & wanted) !== wanted) {
      throw new FirstlightError(
        'STORE_UNUSABLE',
        `QEMU's user cannot read ${path}, the shared folder: ${at} is closed.`,
        {
          hint: `Let others in: chmod o+${wanted === maySearch ? 'x' : 'rx'} '${at}'. Or share a folder elsewhere ("ember.share").`,
          details: { subject: at },
        },
      );
    }
    if (dirname(at) === at) return;
  }
}
