import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createLayout } from './layout.ts';
import { sweepTemps } from './sweep-temps.ts';
import { tempPathFor } from './write-atomic.ts';

it('removes what killed processes left, and neither whole files nor what may still be written', async () => {
  const home = await mkdtemp(join(tmpdir(), 'fl-sweep-'));
  try {
    const layout = createLayout({ home, env: {}, uid: 1000 });
    const { buildsDir, bundlesDir, probesDir, kernelsDir, openProjectsDir } = layout;
    const dirs = [buildsDir, bundlesDir, probesDir, kernelsDir, openProjectsDir];
    const longAgo = new Date(Date.now() - 3_600_000);
    for (const dir of dirs) {
      await mkdir(dir, { recursive: true });
      const left = tempPathFor(join(dir, 'left.json'));
      await writeFile(left, 'half');
      await utimes(left, longAgo, longAgo);
      await writeFile(tempPathFor(join(dir, 'young.json')), 'half');
      await writeFile(join(dir, 'whole.json'), '{}');
      await utimes(join(dir, 'whole.json'), longAgo, longAgo);
    }
    expect(await sweepTemps(layout)).toBe(dirs.length);
    for (const dir of dirs) {
      const names = (await readdir(dir)).filter((name) => /left|young|whole/.test(name));
      expect(names.map((name) => /left|young|whole/.exec(name)?.[0]).sort()).toEqual(['whole', 'young']);
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
