import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseSync } from 'vite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkLayers, judgeImport, listImports, resolveImport } from './layers.mjs';

describe('judgeImport', () => {
  it.each([
    ['core/bundle/bundle.ts', 'shared/errors.ts'],
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
    ['core/bundle/bundle.ts', 'node:child_process', /only core\/exec/],
    ['core/bundle/bundle.ts', 'execa', /only core\/exec/],
    ['core/bundle/bundle.ts', 'electron', /only electron\//],
    ['core/bundle/bundle.ts', 'build/bundle.mjs', /nothing imports build/],
    ['host/start-host.ts', 'test/fixtures/fake-engine.ts', /nothing imports test/],
    ['host/start-host.ts', 'node-libvirt', /may not import node-libvirt/],
    ['electron/preload/preload.ts', 'core/create-core.ts', /electron\/preload may import only/],
    ['renderer/state/store.ts', 'core/create-core.ts', /renderer may import only/],
    ['renderer/state/store.ts', 'node:path', /knows no Node/],
    ['renderer/features/console/view.tsx', 'renderer/features/timeline/view.tsx', /features never import each other/],
    ['renderer/ui/button.tsx', 'shared/model/run.ts', /renderer\/ui may import only/],
    ['renderer/ui/button.tsx', 'renderer/state/store.ts', /renderer\/ui may import only/],
    ['renderer/app/app.test.tsx', 'electron', /only electron\//],
  ])('stops %s from importing %s', (path, target, reason) => {
    expect(judgeImport(path, target)).toMatch(reason);
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
    expect(checkLayers(parseSync, root).map(({ path, line, specifier }) => `${path}:${line} ${specifier}`)).toEqual([
      'shared/b.ts:2 ../core/a.ts',
      'core/a.ts:2 #host/c.ts',
      'renderer/features/one/x.tsx:1 ../two/y.tsx',
    ]);
  });
});
