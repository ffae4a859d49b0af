/** The data that electron-builder would write into the packages, without fpm and AppImage's tools, which it fetches. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { root } from '../script.mjs';
import config from './config.mjs';

const missing = ['/usr/bin/lintian', '/usr/bin/dpkg-deb', '/usr/bin/desktop-file-validate']
  .filter((path) => !existsSync(path))
  .map((path) => basename(path));
const reason = missing.length === 0 ? null : `no ${missing.join(', no ')}`;

/** The arguments for fpm, and the desktop entries. */
interface Planned {
  readonly fpm: readonly string[];
  readonly debEntry: string;
  readonly imageEntry: string;
}

let dir: string;
let planned: Planned;

describe.skipIf(reason !== null)(`the packages’ data${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'firstlight-pkg-'));
    // electron-builder reads its configuration by jiti, which would leave a cache in the temporary directory.
    vi.stubEnv('JITI_FS_CACHE', 'false');
    planned = await plan();
  }, 120_000);

  afterAll(() => {
    vi.unstubAllEnvs();
    if (dir !== undefined) rmSync(dir, { recursive: true, force: true });
  });

  it('has desktop entries that are valid, start the sandboxed program and belong to its windows', () => {
    for (const path of [planned.debEntry, planned.imageEntry])
      expect(execFileSync('desktop-file-validate', [path], { encoding: 'utf8' })).toBe('');
    const lines = (path: string) => execFileSync('cat', [path], { encoding: 'utf8' }).split('\n');
    expect(lines(planned.debEntry)).toEqual(
      expect.arrayContaining(['Exec=/opt/Firstlight/firstlight-studio %U', 'StartupWMClass=firstlight-studio']),
    );
    expect(lines(planned.imageEntry)).toContain('Exec=AppRun %U');
    expect(config.extraMetadata.desktopName).toBe(basename(planned.debEntry));
  });

  it('has control data and scripts in which lintian finds only what a program in /opt has', () => {
    const deb = writeDeb();
    // It leaves files in the temporary directory.
    const env = { ...process.env, TMPDIR: dir };
    const args = ['--allow-root', '--no-cfg', '--display-info', deb];
    const { stdout } = spawnSync('lintian', args, { encoding: 'utf8', env });
    const tags = stdout
      .split('\n')
      .flatMap((line) => /^([EWI]): firstlight: (\S+)/.exec(line)?.[2] ?? [])
      .filter((tag) => !(tag in accepted));
    expect(tags, stdout).toEqual([]);
    expect(execFileSync('dpkg-deb', ['--field', deb, 'Depends'], { encoding: 'utf8' })).toContain('qemu-system-x86');
  }, 120_000);
});

/** What lintian reports and is accepted, each with its reason. */
const accepted = {
  'dir-or-file-in-opt': 'a package that is not of the distribution belongs there',
  'no-md5sums-control-file': 'fpm writes it',
  'no-changelog': 'fpm writes one',
  'command-with-path-in-maintainer-script': "electron-builder's script tests for that program first",
  'maintainer-script-ignores-errors': "electron-builder's scripts go on where a desktop's tools are missing",
  'postrm-removes-alternative': "electron-builder's scripts have no prerm",
};

/** Has electron-builder compute everything up to the call of fpm, with an empty program. */
async function plan(): Promise<Planned> {
  const unpacked = join(dir, 'unpacked');
  mkdirSync(join(unpacked, 'resources'), { recursive: true });
  writeFileSync(join(unpacked, 'firstlight-studio'), '#!/bin/sh\n', { mode: 0o755 });
  const planned = { fpm: [] as string[], debEntry: '', imageEntry: '' };
  const { build, Platform } = await import('electron-builder');
  await build({
    projectDir: root,
    prepackaged: unpacked,
    publish: 'never',
    targets: Platform.LINUX.createTarget(['deb', 'AppImage']),
    config: { ...config, directories: { ...config.directories, output: join(dir, 'packages') } },
    // Its files go away when it ends.
    effectiveOptionComputed: async (computed: unknown) => {
      if (Array.isArray(computed)) planned.fpm = keepFiles(computed[0]);
      else planned.imageEntry = keepText('image', computed as { desktop: string; desktopFileName: string });
      return true;
    },
  });
  planned.debEntry = sourceOf(planned.fpm, '/usr/share/applications/');
  return planned;
}

function keepText(folder: string, { desktop, desktopFileName }: { desktop: string; desktopFileName: string }): string {
  const path = join(dir, folder, desktopFileName);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, desktop);
  return path;
}

/** The arguments, with the temporary files copied. */
function keepFiles(args: readonly string[]): string[] {
  return args.map((arg, index) => {
    const [source = '', target] = arg.split('=/');
    const isScript = /^--after-/.test(args[index - 1] ?? '');
    if (isScript || (target?.endsWith('.desktop') ?? false)) {
      const kept = join(dir, isScript ? (args[index - 1] ?? '').slice(2) : basename(target ?? ''));
      copyFileSync(source, kept);
      return target === undefined ? kept : `${kept}=/${target}`;
    }
    return arg;
  });
}

const sourceOf = (args: readonly string[], target: string): string =>
  args.find((arg) => arg.includes(`=${target}`))?.split('=')[0] ?? '';

/** A package of those arguments by Debian's own tools, with the fields that fpm's template has. */
function writeDeb(): string {
  const tree = join(dir, 'tree');
  const value = (name: string) => planned.fpm[planned.fpm.lastIndexOf(name) + 1] ?? '';
  for (const arg of planned.fpm.filter((each) => /^\/.*=\//.test(each))) {
    const [source = '', target = ''] = arg.split('=');
    mkdirSync(join(tree, dirname(target)), { recursive: true });
    cpSync(source, join(tree, target), { recursive: true });
  }
  const control = join(tree, 'DEBIAN');
  mkdirSync(control);
  const [synopsis, ...description] = value('--description').split('\n');
  const lines = [
    ['Package', value('--name')],
    ['Version', value('--version')],
    ['Architecture', value('--architecture')],
    ['Maintainer', value('--maintainer')],
    ['Depends', [config.deb?.depends ?? []].flat().join(', ')],
    ['Section', value('--category')],
    ['Priority', value('--deb-priority')],
    ['Homepage', value('--url')],
    ['Description', [synopsis, ...description.map((line) => ` ${line.trim()}`)].join('\n')],
  ];
  writeFileSync(join(control, 'control'), lines.map(([name, text]) => `${name}: ${text}\n`).join(''));
  for (const [option, script] of [
    ['--after-install', 'postinst'],
    ['--after-remove', 'postrm'],
  ] as const) {
    copyFileSync(value(option), join(control, script));
    chmodSync(join(control, script), 0o755);
  }
  const deb = join(dir, 'firstlight.deb');
  execFileSync('dpkg-deb', ['--root-owner-group', '--build', tree, deb], { stdio: 'ignore' });
  return deb;
}
