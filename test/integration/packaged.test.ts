import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyPackagedFiles } from '#build/packager/packaged-files.mjs';
import emberFiles from '#core/runtimes/ember/shipped.json' with { type: 'json' };
import nanosFiles from '#core/runtimes/nanos/shipped.json' with { type: 'json' };
import shipped from '#core/store/shipped.json' with { type: 'json' };
import { whyNot } from './studio.ts';

const nanosDir = process.env.FIRSTLIGHT_NANOS_DIR;
const reason = whyNot();

describe.skipIf(reason !== null)(`the packaged files${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  let home = '';
  let app = '';

  /** Runs the packaged command line, as on a machine without this checkout. */
  const firstlight = (...args: string[]) =>
    execFileSync(process.execPath, [join(app, shipped.cli.path), ...args], {
      cwd: home,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, FIRSTLIGHT_HOME: join(home, 'home'), FIRSTLIGHT_ACCEL: 'tcg' },
    });

  beforeAll(async () => {
    home = mkdtempSync('/var/tmp/fl-pkg-');
    chmodSync(home, 0o755);
    app = join(home, 'app');
    await copyPackagedFiles(app);
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it('hold everything that is shipped, and no npm package but those that find files beside themselves', () => {
    const missing = Object.values({ ...shipped, ...emberFiles, ...nanosFiles }).filter(
      (file) => !existsSync(join(app, file.path)) && !('optional' in file),
    );
    expect(missing).toEqual([]);
    expect(existsSync(join(app, shipped.shims.path, 'node/members.json'))).toBe(true);
    expect(readdirSync(join(app, 'node_modules')).sort()).toEqual(['@esbuild', 'esbuild', 'quickjs-wasi']);
  });

  it('run a function on Ember', () => {
    firstlight('new', 'hello', '--dir', join(home, 'ember'));
    const run = JSON.parse(firstlight('run', join(home, 'ember'), '--json'));
    expect(run.error).toBeUndefined();
    expect(run.response.status).toBe(200);
  });

  it.skipIf(!nanosDir)('run a function on Nanos (needs FIRSTLIGHT_NANOS_DIR)', () => {
    firstlight('nanos', 'install', '--from', String(nanosDir), '--as', 'local', '--accept');
    firstlight('new', 'hello', '--runtime', 'nanos', '--dir', join(home, 'nanos'));
    const run = JSON.parse(firstlight('run', join(home, 'nanos'), '--json'));
    expect(run.error).toBeUndefined();
    expect(run.response.status).toBe(200);
  });
});
