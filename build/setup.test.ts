import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatMs } from './log.mjs';
import { root as checkout, requireNode } from './script.mjs';
import { withLock } from './setup-lock.mjs';
import { describeMissing, findMissing, installCommand, programDirs } from './setup-packages.mjs';
import { findGroupId, isListening, needsKvmRepair } from './setup-services.mjs';
import { describeChange, listFiles, readStamp, sameContent, takeStamp, writeStamp } from './setup-stamp.mjs';
import { isLockfileInstalled } from './setup-steps.mjs';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fl-setup-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (path: string, text: string) => {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), text);
};

describe('stamps', () => {
  it('list files under directories, skipping what no step is made from', () => {
    write('src/b.ts', '');
    write('src/a.ts', '');
    write('src/a.test.ts', '');
    write('src/node_modules/x.js', '');
    const found = listFiles(root, ['src', 'absent'], { ignore: (path: string) => path.endsWith('.test.ts') });
    expect([...found.keys()]).toEqual(['src/a.ts', 'src/b.ts']);
  });

  it('stay the same when only times change, and differ when bytes, names or tools do', () => {
    write('src/a.ts', 'one');
    const before = takeStamp(root, ['src'], { extra: 'v1' });
    utimesSync(join(root, 'src/a.ts'), 1, 1);
    expect(sameContent(before, takeStamp(root, ['src'], { extra: 'v1', previous: before }))).toBe(true);
    expect(sameContent(before, takeStamp(root, ['src'], { extra: 'v2' }))).toBe(false);
    write('src/a.ts', 'two');
    const changed = takeStamp(root, ['src'], { extra: 'v1', previous: before });
    expect(sameContent(before, changed)).toBe(false);
    expect(describeChange(before, changed)).toBe('changed: src/a.ts');
    write('src/b.ts', '');
    expect(describeChange(changed, takeStamp(root, ['src'], { extra: 'v1' }))).toBe('changed: src/b.ts');
    expect(describeChange(undefined, changed)).toBe('not made yet');
  });

  it('read unchanged files only once', () => {
    write('src/a.ts', 'one');
    const before = takeStamp(root, ['src'], {});
    const [size, mtimeMs] = before.files['src/a.ts'] ?? [0, 0];
    const forged = { ...before, files: { 'src/a.ts': [size, mtimeMs, 'kept'] as [number, number, string] } };
    expect(takeStamp(root, ['src'], { previous: forged }).files['src/a.ts']?.[2]).toBe('kept');
  });

  it('survive a round trip to disk, and count as none when cut short', () => {
    write('src/a.ts', 'one');
    const stamp = takeStamp(root, ['src'], {});
    const path = join(root, 'deep/stamp.json');
    writeStamp(path, stamp);
    expect(readStamp(path)).toEqual(stamp);
    writeFileSync(path, '{"extra":"","fil');
    expect(readStamp(path)).toBeUndefined();
    expect(readStamp(join(root, 'absent.json'))).toBeUndefined();
  });
});

describe('Debian packages', () => {
  const everythingBut =
    (...absent: string[]) =>
    (path: string) =>
      !absent.some((name) => path.endsWith(name));

  it('are missing only when none of their files is there', () => {
    const dirs = ['/usr/bin', '/usr/sbin'];
    expect(findMissing('run', { isRoot: true, exists: () => true, dirs })).toEqual([]);
    const missing = findMissing('run', { isRoot: true, exists: everythingBut('/wasm2c', '/libvirtd'), dirs });
    // virtqemud, the modular daemon, serves as well as libvirtd.
    expect(missing.map((need: { package: string }) => need.package)).toEqual(['wabt']);
  });

  it('include the system daemon only for root', () => {
    const names = (isRoot: boolean) =>
      findMissing('run', { isRoot, exists: () => false, dirs: ['/bin'] }).map(
        (need: { package: string }) => need.package,
      );
    expect(names(true)).toContain('libvirt-daemon-system');
    expect(names(false)).not.toContain('libvirt-daemon-system');
    expect(new Set(names(true)).size).toBe(names(true).length);
  });

  it('include no service for a test cluster where systemd would start it', () => {
    const names = (isThere: (path: string) => boolean) =>
      findMissing('cluster', { isRoot: true, exists: isThere, dirs: ['/bin'] }).map(
        (need: { package: string }) => need.package,
      );
    expect(names(() => false)).toEqual(expect.arrayContaining(['etcd-server', 'containerd', 'runc', 'iproute2']));
    expect(names((path) => path === '/run/systemd/system')).toEqual(['openssl']);
  });

  it('are asked for by the exact command', () => {
    expect(installCommand(['wabt', 'gcc'], { isRoot: false })).toBe(
      'sudo apt-get update && sudo apt-get install --no-install-recommends wabt gcc',
    );
    expect(installCommand(['gcc'], { isRoot: true })).toBe(
      'apt-get update && apt-get install --no-install-recommends gcc',
    );
  });

  it('are named by program where there is no apt', () => {
    const missing = findMissing('run', { isRoot: false, exists: everythingBut('/wasm2c'), dirs: ['/usr/bin'] });
    expect(describeMissing(missing)).toBe('wasm2c (compiling the guest kernel)');
  });

  it('are looked for in sbin too', () => {
    expect(programDirs('/bin:/usr/bin')).toContain('/usr/sbin');
  });
});

describe('npm packages', () => {
  const lock = (packages: Record<string, object>) => JSON.stringify({ packages });

  it('are there when every locked one is, but for those of other platforms', () => {
    write(
      'package-lock.json',
      lock({ '': {}, 'node_modules/a': { version: '1' }, 'node_modules/b-mac': { version: '1', optional: true } }),
    );
    write('node_modules/.package-lock.json', lock({ 'node_modules/a': { version: '1' } }));
    expect(isLockfileInstalled(root)).toBe(true);
    write('node_modules/.package-lock.json', lock({ 'node_modules/a': { version: '2' } }));
    expect(isLockfileInstalled(root)).toBe(false);
    write('node_modules/.package-lock.json', lock({}));
    expect(isLockfileInstalled(root)).toBe(false);
  });
});

describe('the lock', () => {
  it('lets one set-up in at a time, and names the holder to the one that waits', async () => {
    const log: string[] = [];
    let enter = () => {};
    const entered = new Promise<void>((resolve) => {
      enter = resolve;
    });
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const first = withLock(
      root,
      () => {},
      async () => {
        log.push('first in');
        enter();
        await finished;
        log.push('first out');
      },
    );
    await entered;
    const second = withLock(
      root,
      (pid: string) => {
        log.push(`waits for ${pid}`);
        finish();
      },
      async () => log.push('second in'),
    );
    await Promise.all([first, second]);
    expect(log).toEqual(['first in', `waits for ${process.pid}`, 'first out', 'second in']);
  });

  it('is free again after its holder was killed', async () => {
    const script = `
      import { withLock } from '${checkout}/build/setup-lock.mjs';
      await withLock('${root}', () => {}, async () => {
        process.stdout.write('held');
        await new Promise(() => setInterval(() => {}, 1000));
      });`;
    const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    const got = withLock(
      root,
      () => holder.kill('SIGKILL'),
      async () => 'got it',
    );
    expect(await got).toBe('got it');
  });

  it('is let go when the work throws', async () => {
    const fail = async () => {
      throw new Error('broke');
    };
    await expect(withLock(root, () => {}, fail)).rejects.toThrow('broke');
    expect(
      await withLock(
        root,
        () => {},
        async () => 1,
      ),
    ).toBe(1);
  });
});

describe('services', () => {
  it('know a live socket from one whose daemon is gone', async () => {
    const path = join(root, 'sock');
    const server = createServer().listen(path);
    await new Promise((resolve) => server.once('listening', resolve));
    expect(await isListening(path)).toBe(true);
    await new Promise((resolve) => server.close(resolve));
    expect(await isListening(path)).toBe(false);
  });

  it('see when only root can open /dev/kvm', () => {
    expect(needsKvmRepair({ mode: 0o20600, gid: 0 }, 105)).toBe(true);
    expect(needsKvmRepair({ mode: 0o20660, gid: 0 }, 105)).toBe(true);
    expect(needsKvmRepair({ mode: 0o20660, gid: 105 }, 105)).toBe(false);
    expect(needsKvmRepair({ mode: 0o20666, gid: 0 }, undefined)).toBe(false);
    expect(needsKvmRepair(undefined, 105)).toBe(false);
  });

  it('find a group by its name', () => {
    expect(findGroupId('kvm', 'root:x:0:\nkvm:x:105:me\n')).toBe(105);
    expect(findGroupId('absent', 'root:x:0:\n')).toBeUndefined();
  });
});

describe('words', () => {
  it('give times as a person would', () => {
    expect([3.2, 1500, 125_000].map(formatMs)).toEqual(['3 ms', '1.5 s', '2 min 5 s']);
  });

  it('refuse an old Node', () => {
    expect(() => requireNode('20.18.3')).toThrow(/20\.19 or newer/);
    for (const version of ['20.19.0', '22.1.0', '24.0.0']) expect(() => requireNode(version)).not.toThrow();
  });
});
