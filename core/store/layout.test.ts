import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createLayout } from './layout.ts';
import { createSettings } from './settings.ts';

const uid = process.getuid?.() ?? 0;
const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

describe('the layout', () => {
  it('follows the XDG variables for a user', () => {
    const env = {
      HOME: '/home/ada',
      XDG_CACHE_HOME: '/c',
      XDG_DATA_HOME: '/d',
      XDG_RUNTIME_DIR: '/run/user/1000',
    };
    const layout = createLayout({ env, uid: 1000 });
    expect(layout).toMatchObject({
      imagesDir: '/c/firstlight/images',
      runsDir: '/d/firstlight/runs',
      socketsDir: '/run/user/1000/firstlight/sockets',
      projectsDir: '/home/ada/firstlight',
      otherUserReads: false,
    });
    const bare = createLayout({ env: { HOME: '/home/ada' }, uid: 1000 });
    expect(bare.imagesDir).toBe('/home/ada/.cache/firstlight/images');
    expect(bare.runsDir).toBe('/home/ada/.local/share/firstlight/runs');
  });

  it('uses the places of the system for root, and FIRSTLIGHT_HOME before all', () => {
    expect(createLayout({ env: { HOME: '/root' }, uid: 0 })).toMatchObject({
      imagesDir: '/var/lib/firstlight/images',
      socketsDir: '/run/firstlight/sockets',
      otherUserReads: true,
    });
    const moved = createLayout({ env: { FIRSTLIGHT_HOME: '/x' }, uid: 1000 });
    expect(moved.runsDir).toBe('/x/data/runs');
    expect(createLayout({ home: '/y', env: { FIRSTLIGHT_HOME: '/x' }, uid: 1000 }).runsDir).toBe('/y/data/runs');
  });

  it.skipIf(uid !== 0)(
    `lets the QEMU user reach images and sockets as root, and nobody read runs${uid === 0 ? '' : ' (skipped: not root)'}`,
    async () => {
      const home = await mkdtemp(join(tmpdir(), 'fl-layout-'));
      try {
        const layout = createLayout({ home, env: {}, uid: 0, qemuUser: { uid: 4321, gid: 4322 } });
        await layout.ensure(layout.imagesDir);
        await layout.ensure(layout.runsDir);
        await layout.ensure(layout.socketsDir);
        expect((await modeOf(home)) & 0o001).toBe(1);
        expect(await modeOf(layout.imagesDir)).toBe(0o710);
        expect(await stat(layout.imagesDir)).toMatchObject({ uid: 0, gid: 4322 });
        expect(await modeOf(layout.socketsDir)).toBe(0o711);
        expect(await modeOf(layout.runsDir)).toBe(0o700);
        const disk = join(home, 'disk');
        await writeFile(disk, '');
        await layout.giveToQemu(disk);
        expect(await stat(disk)).toMatchObject({ uid: 4321, gid: 4322 });
        await layout.takeBack(disk);
        expect(await stat(disk)).toMatchObject({ uid: 0, gid: 0 });
      } finally {
        await rm(home, { recursive: true, force: true });
      }
    },
  );

  it('makes no sockets in a folder that another user made first', async () => {
    const run = await mkdtemp(join(tmpdir(), 'fl-layout-'));
    try {
      const ensure = (user: number) => {
        const layout = createLayout({ env: { HOME: '/home/ada', XDG_RUNTIME_DIR: run }, uid: user });
        return layout.ensure(layout.socketsDir);
      };
      const refused = { code: 'STORE_UNUSABLE', details: { subject: join(run, 'firstlight') } };
      await expect(ensure(uid + 1)).rejects.toMatchObject(refused);
      await rm(join(run, 'firstlight'), { recursive: true });
      await symlink(run, join(run, 'firstlight'));
      await expect(ensure(uid + 1)).rejects.toMatchObject(refused);
      await rm(join(run, 'firstlight'));
      await mkdir(join(run, 'firstlight'), { mode: 0o700 });
      if (uid === 0) await chown(join(run, 'firstlight'), 1, 1);
      expect(await ensure(uid || 1)).toBe(join(run, 'firstlight/sockets'));
      await chmod(join(run, 'firstlight'), 0o777);
      await expect(ensure(uid || 1)).rejects.toMatchObject(refused);
    } finally {
      await rm(run, { recursive: true, force: true });
    }
  });

  it('says what to do when a folder cannot be made', async () => {
    const home = await mkdtemp(join(tmpdir(), 'fl-layout-'));
    try {
      await writeFile(join(home, 'data'), 'a file in the way');
      const layout = createLayout({ home, env: {}, uid: 1000 });
      await expect(layout.ensure(layout.runsDir)).rejects.toMatchObject({
        code: 'STORE_UNUSABLE',
        hint: expect.stringContaining('FIRSTLIGHT_HOME'),
      });
      await rm(join(home, 'data'));
      await layout.ensure(layout.runsDir);
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  });
});

describe('settings', () => {
  it('keeps what other keys hold, whoever writes first, and leaves a file alone that is not valid', async () => {
    const home = await mkdtemp(join(tmpdir(), 'fl-settings-'));
    try {
      const layout = createLayout({ home, env: {}, uid: 1000 });
      const lines: string[] = [];
      const settings = createSettings(layout, (line) => lines.push(line));
      expect(await settings.get()).toEqual({});
      await Promise.all([settings.set({ a: 1 }), settings.set({ b: [true, null] }), settings.set({ a: 2 })]);
      expect(await settings.get()).toEqual({ a: 2, b: [true, null] });
      for (let value = 0; value < 40; value++) {
        await Promise.all([settings.set({ a: -1 }), settings.set({ a: value })]);
        expect(await settings.get()).toEqual({ a: value, b: [true, null] });
      }
      await writeFile(layout.settingsPath, '{"a":');
      expect(await settings.get()).toEqual({});
      expect(lines[0]).toMatch(/^The settings in .*settings\.json are not used. It is not JSON/);
      await expect(settings.set({ a: 3 })).rejects.toMatchObject({
        code: 'STORE_UNUSABLE',
        message: expect.stringContaining('settings.json cannot be used. It is not JSON'),
      });
      expect(await readdir(layout.dataDir)).toEqual(['settings.json']);
      expect(await readFile(layout.settingsPath, 'utf8')).toBe('{"a":');
      await chmod(home, 0o700);
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  });
});
