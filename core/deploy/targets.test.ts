import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLayout, type Layout } from '#core/store/layout.ts';
import type { Target } from '#shared/model/deploy.ts';
import { createTargets } from './targets.ts';

let home: string;
let layout: Layout;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'fl-targets-'));
  layout = createLayout({ home, env: {}, uid: 1000 });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const lab: Target = { name: 'lab', kind: 'libvirt', uris: ['qemu+ssh://root@lab/system'], listen: '127.0.0.1' };
const attic: Target = { ...lab, name: 'attic' };

it('keeps targets for the next program', async () => {
  await createTargets(layout).add(lab);
  await createTargets(layout).add(attic);
  expect(await createTargets(layout).list()).toEqual([attic, lab]);
});

it('refuses a file that is not valid, by all its ways, and leaves it as it is', async () => {
  const targets = createTargets(layout);
  await targets.add(lab);
  const broken = readFileSync(layout.targetsPath, 'utf8').replace('qemu+ssh', 'qemu ssh');
  writeFileSync(layout.targetsPath, broken);
  const ways = [targets.list, () => targets.get('lab'), () => targets.add(attic), () => targets.remove('lab')];
  for (const way of ways) {
    await expect(way()).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining(layout.targetsPath),
    });
  }
  expect(readdirSync(layout.dataDir)).toEqual(['targets.json']);
  expect(readFileSync(layout.targetsPath, 'utf8')).toBe(broken);
});
