import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { locateResources } from './resources.ts';
import shipped from './shipped.json' with { type: 'json' };

it('finds each resource where the list of what is shipped has it, folders without a slash at their end', () => {
  const root = join(import.meta.dirname, '../..');
  const { version, pathOf, ...paths } = locateResources();
  expect(pathOf({ path: 'dist/guest/' })).toBe(join(root, 'dist/guest'));
  expect(version).toMatch(/^\d+\.\d+\.\d+/);
  expect(paths.rendererDir).toBe(join(root, 'dist/renderer'));
  const listed = Object.values(shipped).map(({ path }) => join(root, path).replace(/\/$/, ''));
  for (const path of Object.values(paths)) expect([...listed, ...listed.map(dirname)]).toContain(path);
  expect(Object.values(paths).filter((path) => path.endsWith('/'))).toEqual([]);
});
