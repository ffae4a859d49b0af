import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createFileTree, type FileTree } from '@firstlight/files';
import { runTool } from '@firstlight/files/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Closure } from './closure.ts';
import { closureToTree } from './closure-to-tree.ts';
import { resolveClosure } from './resolve-closure.ts';
import { emptyMain, libraryCode, mainCalling, openWorkshop, type Workshop } from './testing/compile.ts';

const isRoot = process.getuid?.() === 0;
const unlessRoot = isRoot ? '' : ' (skipped: chroot needs root)';

let shop: Workshop;
beforeAll(async () => {
  shop = await openWorkshop();
});
afterAll(() => shop.remove());

const library = (name: string, calls?: string, ...flags: readonly string[]) =>
  shop.compile(`${name}.so`, libraryCode(basename(name).replace(/^lib/, ''), calls), '-shared', '-fPIC', ...flags);
const rpath = (path: string) => [`-Wl,-rpath,${path}`, '-Wl,--disable-new-dtags'];
const runpath = (path: string) => [`-Wl,-rpath,${path}`, '-Wl,--enable-new-dtags'];
/** The place of each library, except the C library. */
const found = ({ libraries }: Closure) =>
  Object.fromEntries(libraries.filter(({ name }) => name !== 'libc.so.6').map((one) => [one.name, one.path]));

/** The libraries that this machine's linker loads. Shape: real paths, sorted. */
async function askLinker(program: string): Promise<string[]> {
  const { stdout } = await runTool('ldd', [program]);
  const paths = [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path]) => path ?? '');
  const real = await runTool('realpath', paths);
  return [...new Set(real.stdout.split('\n'))].sort();
}

describe('the closure of a program', () => {
  test.each(['/usr/bin/python3', '/usr/bin/git', '/usr/bin/gcc', process.execPath, '/usr/bin/qemu-system-x86_64'])(
    'of %s is what the linker of this machine loads',
    async (program) => {
      const { interpreter, libraries, missing } = await resolveClosure(program);
      const paths = [interpreter?.realPath ?? '', ...libraries.map(({ realPath }) => realPath)].sort();
      expect(paths).toEqual(await askLinker(program));
      expect(missing).toEqual([]);
    },
  );

  test('of a static program is empty', async () => {
    const closure = await resolveClosure(await shop.compile('static', emptyMain, '-static'));
    expect(closure).toMatchObject({ interpreter: null, libraries: [], missing: [], suggested: [] });
    expect(closure.program.type).toBe('static');
  });

  test('says who needs what, each library once', async () => {
    const inner = await library('who/libinner');
    const outer = await library('who/libouter', 'inner', inner, ...runpath('$ORIGIN'));
    const program = await shop.compile('who/app', mainCalling('outer'), '-Wl,--no-as-needed', outer, inner);
    const { libraries } = await resolveClosure(program, { libraryPath: [join(shop.dir, 'who')] });
    const needs = Object.fromEntries(
      libraries.map(({ name, neededBy }) => [basename(name), neededBy.map((by) => basename(by))]),
    );
    expect(needs).toEqual({
      'libouter.so': ['app'],
      'libinner.so': ['app', 'libouter.so'],
      'libc.so.6': expect.arrayContaining(['app']),
    });
  });

  test('holds what is loaded while it runs', async () => {
    const inner = await library('plugin/libinner', undefined, '-Wl,-soname,libinner.so');
    const plugin = await library('plugin/libplugin', 'inner', inner, ...runpath('$ORIGIN'));
    const program = await shop.compile('plugin/app', emptyMain);
    const { libraries } = await resolveClosure(program, { loads: [plugin] });
    expect(libraries.map(({ name, foundBy }) => [basename(name), foundBy])).toEqual([
      ['libplugin.so', 'given'],
      ['libc.so.6', 'default directory'],
      ['libinner.so', 'RUNPATH'],
    ]);
  });
});

describe('search paths', () => {
  /** A program that needs `libouter.so`, which needs `libinner.so`; only the program has a search path. */
  async function twoSteps(dir: string, path: readonly string[], outerPath: readonly string[] = []): Promise<string> {
    const inner = await library(`${dir}/lib/libinner`, undefined, '-Wl,-soname,libinner.so');
    const outer = await library(`${dir}/lib/libouter`, 'inner', inner, '-Wl,-soname,libouter.so', ...outerPath);
    const link = `-Wl,-rpath-link,${dirname(inner)}`;
    return shop.compile(`${dir}/app`, mainCalling('outer'), outer, link, ...path);
  }

  test('an RPATH counts for what a library loads in turn, with $ORIGIN of where it stands', async () => {
    const program = await twoSteps('inherit', rpath('$ORIGIN/lib'));
    const dir = join(shop.dir, 'inherit/lib');
    const closure = await resolveClosure(program);
    expect(found(closure)).toEqual({ 'libouter.so': `${dir}/libouter.so`, 'libinner.so': `${dir}/libinner.so` });
    expect(closure.libraries[0]?.foundBy).toBe('RPATH');
    expect(await askLinker(program)).toContain(`${dir}/libinner.so`);
  });

  test('a RUNPATH does not', async () => {
    const program = await twoSteps('own', runpath(`\${ORIGIN}/lib`));
    const { missing, libraries } = await resolveClosure(program);
    expect(libraries[0]).toMatchObject({ name: 'libouter.so', foundBy: 'RUNPATH' });
    expect(missing).toMatchObject([{ name: 'libinner.so', neededBy: ['libouter.so'] }]);
    expect(missing[0]?.lookedIn).toContain('/usr/lib/x86_64-linux-gnu');
    expect(missing[0]?.lookedIn).not.toContain(join(shop.dir, 'own/lib'));
    expect((await runTool('ldd', [program])).stdout).toMatch(/libinner\.so => not found/);
  });

  test('a library with a RUNPATH does not look in the RPATH of whom it was loaded for', async () => {
    const program = await twoSteps('cut', rpath('$ORIGIN/lib'), runpath('/nowhere'));
    const { missing } = await resolveClosure(program);
    expect(missing).toMatchObject([{ name: 'libinner.so', neededBy: ['libouter.so'] }]);
    expect(missing[0]?.lookedIn.slice(0, 1)).toEqual(['/nowhere']);
    expect((await runTool('ldd', [program])).stdout).toMatch(/libinner\.so => not found/);
  });

  test('$LIB is the directory that this system has for libraries', async () => {
    const inner = await library('dst/lib/x86_64-linux-gnu/libinner', undefined, '-Wl,-soname,libinner.so');
    const program = await shop.compile('dst/app', mainCalling('inner'), inner, ...runpath('$ORIGIN/$LIB'));
    expect(await askLinker(program)).toContain(inner);
    expect(found(await resolveClosure(program))).toEqual({ 'libinner.so': inner });
  });

  test('a library for another machine is passed by, and named when there is no better one', async () => {
    const good = await library('arch/good/libinner', undefined, '-Wl,-soname,libinner.so');
    const bad = join(shop.dir, 'arch/bad/libinner.so');
    await mkdir(dirname(bad), { recursive: true });
    const bytes = await readFile(good);
    bytes.writeUInt16LE(183, 18);
    await writeFile(bad, bytes);
    const program = await shop.compile('arch/app', mainCalling('inner'), good, ...runpath('$ORIGIN/bad:$ORIGIN/good'));
    expect(found(await resolveClosure(program))).toEqual({ 'libinner.so': good });
    await rm(good);
    const { missing } = await resolveClosure(program);
    expect(missing[0]?.unsuitable).toEqual([{ path: bad, reason: 'it is for 64-bit aarch64' }]);
  });
});

describe('another root directory', () => {
  /** A miniature root file system: this machine's libraries in a given layout. */
  async function makeRoot(name: string, links: Readonly<Record<string, string>>): Promise<string> {
    const root = join(shop.dir, name);
    const lib = join(root, 'usr/lib/x86_64-linux-gnu');
    await mkdir(lib, { recursive: true });
    await cp('/lib/x86_64-linux-gnu/libc.so.6', join(lib, 'libc.so.6'), { dereference: true });
    await cp('/lib64/ld-linux-x86-64.so.2', join(lib, 'ld-linux-x86-64.so.2'), { dereference: true });
    for (const [path, target] of Object.entries(links)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await symlink(target, join(root, path));
    }
    return root;
  }
  const usual = { lib: 'usr/lib', lib64: '/../../usr/lib/x86_64-linux-gnu' };

  async function install(root: string, program: string, to: string): Promise<void> {
    await mkdir(dirname(join(root, to)), { recursive: true });
    await cp(program, join(root, to));
  }

  test('is where links end, also absolute ones and those that climb', async () => {
    const root = await makeRoot('rootfs', { ...usual, 'bin/app': '/../../opt/app' });
    await install(root, await shop.compile('plain', emptyMain), 'opt/app');
    const closure = await resolveClosure('/bin/app', { root });
    expect(closure.missing).toEqual([]);
    expect(closure.program).toMatchObject({ realPath: '/opt/app', hostPath: join(root, 'opt/app') });
    expect(closure.interpreter?.realPath).toBe('/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2');
    expect(closure.libraries[0]).toMatchObject({
      path: '/lib/x86_64-linux-gnu/libc.so.6',
      hostPath: join(root, 'usr/lib/x86_64-linux-gnu/libc.so.6'),
    });
  });

  test('lacks what only this machine has', async () => {
    const root = await makeRoot('bare', {});
    await install(root, await shop.compile('bare-app', emptyMain), 'app');
    const { missing, interpreter } = await resolveClosure('/app', { root });
    expect(interpreter).toBeNull();
    expect(missing).toMatchObject([{ name: '/lib64/ld-linux-x86-64.so.2', neededBy: ['/app'], lookedIn: ['/lib64'] }]);
  });

  test.skipIf(!isRoot)(
    `has an ld.so.conf of its own, whose libraries get a link where the guest looks${unlessRoot}`,
    async () => {
      const root = await makeRoot('conf', usual);
      const inner = await library('conf-src/libinner', undefined, '-Wl,-soname,libinner.so');
      await install(root, inner, 'opt/vendor/libinner.so');
      await install(root, await shop.compile('conf-app', mainCalling('inner'), inner), 'app');
      await mkdir(join(root, 'etc/ld.so.conf.d'), { recursive: true });
      await writeFile(join(root, 'etc/ld.so.conf'), '# ours\ninclude ld.so.conf.d/*.conf\n');
      await writeFile(join(root, 'etc/ld.so.conf.d/vendor.conf'), '/opt/vendor/ # theirs\n');
      await writeFile(join(root, 'etc/ld.so.conf.d/off.conf.bak'), '/nowhere\n');
      const closure = await resolveClosure('/app', { root });
      expect(closure.libraries.find(({ name }) => name === 'libinner.so')).toMatchObject({
        path: '/opt/vendor/libinner.so',
        foundBy: 'ld.so.conf',
      });
      expect(await boot(closure)).toEqual(['libc.so.6', 'libinner.so']);
    },
  );

  test('a circle of links is not a file', async () => {
    const root = await makeRoot('circle', { ...usual, a: 'b', b: 'a' });
    await expect(resolveClosure('/a', { root })).rejects.toEqual(expect.objectContaining({ reason: 'not-found' }));
  });
});

describe("musl's linker", () => {
  const linker = '/lib/ld-musl-x86_64.so.1';
  /** A root with the linker (it only has to exist) and a program that needs two libraries, one through the other. */
  async function makeMuslRoot(name: string, path: readonly string[], dir: string): Promise<string> {
    const root = join(shop.dir, name);
    for (const at of ['lib', 'bin', dir]) await mkdir(join(root, at), { recursive: true });
    await cp('/lib64/ld-linux-x86-64.so.2', join(root, linker), { dereference: true });
    const own = '-nostdlib';
    const inner = await library(`${name}-src/libinner`, undefined, own, '-Wl,-soname,libinner.so');
    const outer = await library(`${name}-src/libouter`, 'inner', own, inner, '-Wl,-soname,libouter.so');
    const libcFlags = ['-shared', '-fPIC', own, '-Wl,-soname,libc.musl-x86_64.so.1'];
    const libc = await shop.compile(`${name}-src/libc.so`, libraryCode('any'), ...libcFlags);
    const flags = [`-Wl,--dynamic-linker=${linker}`, own, '-Wl,--no-as-needed', `-Wl,-rpath-link,${dirname(inner)}`];
    await shop.compile(
      `${name}/bin/app`,
      'int outer(void);\nvoid _start(void) { outer(); }',
      ...flags,
      outer,
      libc,
      ...path,
    );
    await cp(inner, join(root, dir, 'libinner.so'));
    await cp(outer, join(root, dir, 'libouter.so'));
    return root;
  }

  test('is the C library itself, and lets a RUNPATH count for what is loaded in turn', async () => {
    const root = await makeMuslRoot('musl', runpath('$ORIGIN/../opt'), 'opt');
    const { interpreter, libraries, missing } = await resolveClosure('/bin/app', { root });
    expect(missing).toEqual([]);
    expect(interpreter?.path).toBe(linker);
    expect(libraries.map(({ path, foundBy }) => [path, foundBy])).toEqual([
      ['/bin/../opt/libouter.so', 'RUNPATH'],
      ['/bin/../opt/libinner.so', 'RUNPATH'],
    ]);
  });

  test('has a list of directories of its own', async () => {
    const root = await makeMuslRoot('musl-path', [], 'vendor');
    expect((await resolveClosure('/bin/app', { root })).missing).toMatchObject([
      { name: 'libouter.so', lookedIn: ['/lib', '/usr/local/lib', '/usr/lib'] },
    ]);
    await mkdir(join(root, 'etc'));
    await writeFile(join(root, 'etc/ld-musl-x86_64.path'), '/lib:/nowhere\n/vendor\n');
    const { libraries, missing } = await resolveClosure('/bin/app', { root });
    expect(missing).toEqual([]);
    expect(libraries.map(({ path }) => path)).toEqual(['/vendor/libouter.so', '/vendor/libinner.so']);
  });
});

describe('other libraries that are searched for', () => {
  const suggestedFor = async (name: string, code: string, ...flags: readonly string[]) =>
    (await resolveClosure(await shop.compile(name, code, ...flags))).suggested.map((one) => one.name);

  test('is the files of name services, and the library that ends a thread', async () => {
    const hosts = '#include <netdb.h>\nint main(void) { return getaddrinfo("a", 0, 0, 0); }';
    expect(await suggestedFor('hosts', hosts)).toEqual(['/etc/resolv.conf', '/etc/hosts', '/etc/nsswitch.conf']);
    const threads = '#include <pthread.h>\nint main(void) { return pthread_cancel(pthread_self()); }';
    expect(await suggestedFor('threads', threads)).toEqual(['libgcc_s.so.1']);
    expect(await suggestedFor('neither', emptyMain)).toEqual([]);
  });

  test('a search path with $PLATFORM, which a guest does not know, is skipped with a warning', async () => {
    const inner = await library('platform/x86_64/libinner', undefined, '-Wl,-soname,libinner.so');
    const program = await shop.compile('platform/app', mainCalling('inner'), inner, ...runpath('$ORIGIN/$PLATFORM'));
    const { warnings } = await resolveClosure(program);
    expect(warnings).toEqual([expect.stringContaining('has $PLATFORM')]);
  });
});

/** Copies a closure's tree into a directory, and lists the libraries that its own dynamic linker finds. */
async function boot(
  closure: Closure,
  prepare?: (builder: ReturnType<typeof createFileTree>) => void,
): Promise<string[]> {
  const builder = createFileTree();
  prepare?.(builder);
  closureToTree(closure, builder);
  const root = await mkdtemp(join(shop.dir, 'guest-'));
  await unpack(builder.tree, root);
  const command = [root, closure.interpreter?.path ?? '', '--list', closure.program.realPath];
  const { stdout } = await runTool('chroot', command);
  expect(stdout).not.toContain('not found');
  return [...stdout.matchAll(/(\S+) => \//g)].map(([, name]) => name ?? '').sort();
}

async function unpack(tree: FileTree, root: string): Promise<void> {
  for (const [path, node] of tree) {
    const at = join(root, path);
    if (node.kind === 'directory') await mkdir(at, { recursive: true });
    else if (node.kind === 'symlink') await symlink(node.target, at);
    else if (node.content.kind === 'host') await cp(node.content.path, at);
  }
}

describe('a tree of a closure', () => {
  test.skipIf(!isRoot)(`has all that its linker looks for${unlessRoot}`, async () => {
    expect(await boot(await resolveClosure('/usr/bin/python3'))).toEqual([
      'libc.so.6',
      'libexpat.so.1',
      'libm.so.6',
      'libz.so.1',
    ]);
  });

  test.skipIf(!isRoot)(`lets directories be that were there${unlessRoot}`, async () => {
    const program = await shop.compile('guest-dirs', emptyMain);
    const names = await boot(await resolveClosure(program), (builder) => {
      builder.add('/lib/x86_64-linux-gnu/mine', { kind: 'directory' });
      builder.add('/lib64/mine', { kind: 'directory' });
    });
    expect(names).toEqual(['libc.so.6']);
  });

  test.skipIf(!isRoot)(`has the directories that a path goes through${unlessRoot}`, async () => {
    const inner = await library('through/lib/libinner', undefined, '-Wl,-soname,libinner.so');
    const program = await shop.compile(
      'through/bin/app',
      mainCalling('inner'),
      inner,
      ...runpath('$ORIGIN/../share/../lib'),
    );
    await mkdir(join(shop.dir, 'through/share'));
    expect(await boot(await resolveClosure(program))).toEqual(['libc.so.6', 'libinner.so']);
  });
});

describe('a path without a program', () => {
  test('is refused when it is not a file', async () => {
    await expect(resolveClosure('/usr')).rejects.toThrow('/usr is not a file.');
    await expect(resolveClosure('/dev/null')).rejects.toThrow('/dev/null is not a file.');
  });

  test('is refused with its kind', async () => {
    const object = await shop.compile('object.o', emptyMain, '-c');
    await expect(resolveClosure(object)).rejects.toThrow(/not a program: its ELF type is relocatable/);
    const shared = await library('lonely');
    await expect(resolveClosure(shared)).rejects.toThrow(/not a program: its ELF type is shared object/);
  });

  test('is refused with its machine', async () => {
    const program = await shop.compile('foreign', emptyMain);
    const bytes = await readFile(program);
    bytes.writeUInt16LE(183, 18);
    await rename(program, `${program}.x86`);
    await writeFile(program, bytes);
    await expect(resolveClosure(program)).rejects.toEqual(
      expect.objectContaining({ reason: 'wrong-machine', message: expect.stringContaining('64-bit aarch64') }),
    );
  });
});
