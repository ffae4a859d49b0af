import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layout } from '#core/store/layout.ts';
import { isTempName, namesIn, removeTemps, undefinedIfMissing } from '#core/store/write-atomic.ts';

/** Layers that no deploy has used for this long are removed: they can be packed again. Units: ms. */
const unusedMs = 30 * 24 * 3_600_000;

/** Removes what killed programs left among the layers of pods, and layers that were not used for long. */
export async function sweepLayers({ podLayersDir }: Pick<Layout, 'podLayersDir'>): Promise<void> {
  for (const dir of [podLayersDir, join(podLayersDir, 'sha256')]) {
    await removeTemps(dir);
    for (const name of await namesIn(dir)) {
      const path = join(dir, name);
      const found = await stat(path).catch(undefinedIfMissing);
      if (found?.isFile() && !isTempName(name) && Date.now() - found.mtimeMs > unusedMs)
        await rm(path, { force: true });
    }
  }
}
