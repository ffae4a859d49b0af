import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseSync } from 'vite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findCycles, readImports } from './import-graph.mjs';
import { checkLayers, coreRooms, judgeImport, listImports, resolveImport } from './layers.mjs';

describe('judgeImport', () => {
  it.each([
    ['core/bundle/bundle.ts', 'shared/errors.ts'],
    ['core/images/images.ts', 'core/store/digest.ts'],
    ['core/engine/create-core.ts', 'core/runtimes/ember/ember-runtime.ts'],
    ['core/runtimes/nanos/boot/direct-boot.ts', 'core/runtimes/nanos/ports.ts'],
    ['core/libvirt/link.ts', 'node-libvirt'],
    ['core/exec/run-tool.ts', 'execa'],
    ['cli/main.ts', 'core/create-core.ts'],
    ['cli/serve.ts', 'host/start-host.ts'],
    ['electron/main/main.ts', 'electron'],
    ['electron/preload/preload.ts', 'shared/contract/bridge.ts'],
    ['renderer/features/console/view.tsx', 'renderer/ui/button.tsx'],
    ['renderer/ui/button.tsx', 'react'],
    ['renderer/app/app.tsx', 'renderer/features/console/view.tsx'],
    ['packages/node-libvirt/src/spawn-daemon.ts', 'node:child_process'],
    ['core/bundle/bundle.test.ts', 'test/fixtures/project.ts'],
    ['shared/contract/index.ts', 'zod'],
    ['renderer/features/console/view.tsx', '@xterm/xterm/css/xterm.css'],
    ['renderer/features/console/view.tsx', 'renderer/features/console/view.css'],
  ])('lets %s import %s', (path, target) => {
    expect(judgeImport(path, target)).toBeNull();
  });

  it.each([
    ['shared/errors.ts', 'core/bundle/bundle.ts', /shared may import only/],
    ['shared/errors.ts', 'node:fs', /knows no Node/],
    ['packages/node-libvirt/src/xdr.ts', 'shared/errors.ts', /may import only packages\/node-libvirt/],
    ['core/bundle/bundle.ts', 'host/start-host.ts', /core may import only/],
    ['core/store/digest.ts', 'core/exec/run-tool.ts', /core\/store may import only nothing else of core/],
    ['core/doctor/doctor.ts', 'core/runtimes/nanos/ports.ts', /core\/doctor may import only/],
    ['core/runtimes/ember/image.ts', 'core/runtimes/nanos/ports.ts', /core\/runtimes\/ember may import only/],
    ['core/attic/old.ts', 'core/store/digest.ts', /core\/attic is in no row/],
    ['core/bundle/bundle.ts', 'node:child_process', /only core\/exec/],
    ['core/bundle/bundle.ts', 'execa', /only core\/exec/],
    ['core/bundle/bundle.ts', 'electron', /only electron\//],
    ['core/bundle/bundle.ts', 'build/bundle.mjs', /nothing imports build/],
    ['host/start-host.ts', 'test/fixtures/fake-engine.ts', /nothing imports test/],
    ['host/start-host.ts', 'node-libvirt', /may not import node-libvirt/],
    ['electron/preload/preload.ts', 'core/create-core.ts', /electron\/preload may import only/],
    ['renderer/state/store.ts', 'core/create-core.ts', /renderer\/state may import only/],
    ['renderer/state/store.ts', 'node:path', /knows no Node/],
    ['renderer/features/console/view.tsx', 'renderer/features/timeline/view.tsx', /features never import each other/],
    ['renderer/ui/button.tsx', 'shared/model/run.ts', /renderer\/ui may import only/],
    ['renderer/ui/button.tsx', 'renderer/state/store.ts', /renderer\/ui may import only/],
    ['renderer/app/app.test.tsx', 'electron', /only electron\//],
  ])('stops %s from importing %s', (path, target, reason) => {
    expect(judgeImport(path, target)).toMatch(reason);
  });
});

describe('coreRooms', () => {
  it('has no cycle, and lists each room after those that it may import', () => {
    const rooms = Object.keys(coreRooms);
    for (const [room, may] of Object.entries<string[]>(coreRooms)) {
      for (const other of may) expect(rooms.indexOf(other), `${room} > ${other}`).toBeLessThan(rooms.indexOf(room));
      expect(may.every((other) => rooms.includes(other))).toBe(true);
    }
  });
});

describe('resolveImport', () => {
  it('names files from the root, and leaves packages as they are', () => {
    expect(resolveImport('core/bundle/bundle.ts', '../exec/run-tool.ts')).toBe('core/exec/run-tool.ts');
    expect(resolveImport('core/bundle/bundle.ts', '#shared/errors.ts')).toBe('shared/errors.ts');
    expect(resolveImport('renderer/app/a.ts', './worker.ts?worker')).toBe('renderer/app/worker.ts');
    expect(resolveImport('core/bundle/bundle.ts', 'node-libvirt')).toBe('node-libvirt');
  });
});

describe('listImports', () => {
  it('finds every form, and nothing in comments or strings', () => {
    const text = [
      "import a from 'static';",
      "import type { B } from 'type-only';",
      "import 'side-effect';",
      "export { c } from 'named-export';",
      "export * from 'star-export';",
      "// import x from 'comment';",
      'const s = "import y from \'string\'";',
      "const d = async () => (await import('dynamic')).default;",
      "type E = import('import-type').E;",
      "const f = require('required');",
    ].join('\n');
    const found = listImports(parseSync, 'example.ts', text);
    expect(found.map(({ specifier, line }) => `${line} ${specifier}`).sort()).toEqual([
      '1 static',
      '10 required',
      '2 type-only',
      '3 side-effect',
      '4 named-export',
      '5 star-export',
      '8 dynamic',
      '9 import-type',
    ]);
  });

  it('names the file that it cannot parse', () => {
    expect(() => listImports(parseSync, 'broken.ts', 'const = ;')).toThrow(/^broken\.ts: /);
  });
});

describe('checkLayers', () => {
  let root = '';
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'fl-layers-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('reports each violation of a tree with its place, and nothing else', () => {
    write('core/a.ts', "import { b } from '#shared/b.ts';\nimport { c } from '#host/c.ts';\n");
    write('shared/b.ts', "export const b = 1;\nexport type Late = import('../core/a.ts').Late;\n");
    write('renderer/features/one/x.tsx', "import { y } from '../two/y.tsx';\nexport const x = <p>{y}</p>;\n");
    write('test/fixtures/bad.ts', "import 'electron';\n");
    write('core/store/d.ts', "import '../exec/e.ts';\n");
    expect(
      checkLayers(readImports(parseSync, root)).map(({ path, line, specifier }) => `${path}:${line} ${specifier}`),
    ).toEqual([
      'shared/b.ts:2 ../core/a.ts',
      'core/a.ts:2 #host/c.ts',
      'core/store/d.ts:1 ../exec/e.ts',
      'renderer/features/one/x.tsx:1 ../two/y.tsx',
      'test/fixtures/bad.ts:1 electron',
    ]);
  });

  it('finds cycles of types, through packages and of one file, each with its shortest path', () => {
    const exports = { '.': { source: './src/index.ts' }, './testing': { source: './src/testing/index.ts' } };
    write('packages/files/package.json', JSON.stringify({ exports }));
    write('packages/files/src/index.ts', "export * from './tree.ts';\n");
    write('packages/files/src/tree.ts', "import { fake } from '@firstlight/files/testing';\n");
    write('packages/files/src/testing/index.ts', "import type { Tree } from '@firstlight/files';\n");
    write('core/store/a.ts', "import type { B } from './b.ts';\n");
    write('core/store/b.ts', "import './c.ts';\nimport './a.ts';\n");
    write('core/store/c.ts', "import '#core/store/a.ts';\n");
    write('core/store/self.ts', "import './self.ts';\n");
    write('core/store/fine.ts', "import './a.ts';\n");
    const found = findCycles(readImports(parseSync, root));
    expect(found.map(({ members }) => members.length)).toEqual([3, 1, 3]);
    expect(found[0]?.cycle.slice().sort()).toEqual(['core/store/a.ts', 'core/store/b.ts']);
    expect(found[1]?.cycle).toEqual(['core/store/self.ts']);
    expect(found[2]?.members[2]).toBe('packages/files/src/tree.ts');
  });
});
