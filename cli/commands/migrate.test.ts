import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFakeIo } from '../testing/fake-io.ts';
import { cli } from '../testing/run-cli.ts';

let cwd: string;
let path: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'fl-migrate-'));
  mkdirSync(join(cwd, 'shop'));
  path = join(cwd, 'shop/firstlight.json');
});
afterEach(() => rmSync(cwd, { recursive: true }));

const old = `{
  "name": "shop",
  "runtime": "nanos",
  "nanos": {
    "program": "./server" // static
  }
}
`;
const migrated = `{
  "name": "shop",
  "runtime": "nanos",
  "program": "./server" // static
}
`;
const migrate = (...args: string[]) => cli(['migrate', ...args], {}, createFakeIo({ cwd }));

describe('migrate', () => {
  test('rewrites the file in place, with its comments and its permissions', async () => {
    writeFileSync(path, old);
    chmodSync(path, 0o640);
    const { exitCode, out, err } = await migrate('shop');
    expect([exitCode, out, err]).toEqual([0, 'Moved to the top level of shop/firstlight.json: nanos.program.\n', '']);
    expect(readFileSync(path, 'utf8')).toBe(migrated);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(readdirSync(join(cwd, 'shop'))).toEqual(['firstlight.json']);
    expect((await migrate('shop')).out).toBe('shop/firstlight.json is in its present form already.\n');
  });

  test('takes the folder that it is started in', async () => {
    writeFileSync(path, old);
    const { out } = await cli(['migrate', '--json'], {}, createFakeIo({ cwd: join(cwd, 'shop') }));
    expect(JSON.parse(out)).toEqual({ path, moved: ['nanos.program'], written: true });
    expect(readFileSync(path, 'utf8')).toBe(migrated);
  });

  test('with --dry-run prints the difference and writes nothing', async () => {
    writeFileSync(path, old);
    const { exitCode, out } = await migrate('shop', '--dry-run');
    expect(exitCode).toBe(0);
    expect(out).toBe(`--- shop/firstlight.json
+++ shop/firstlight.json
@@ -1,7 +1,5 @@
 {
   "name": "shop",
   "runtime": "nanos",
-  "nanos": {
-    "program": "./server" // static
-  }
+  "program": "./server" // static
 }
`);
    expect(readFileSync(path, 'utf8')).toBe(old);
  });

  test.each([
    ['a folder without the file', null, 'NOT_FOUND'],
    ['what is not JSON', '{ "name": ', 'PROJECT_INVALID'],
    ['a key in both places', '{"name":"a","runtime":"nanos","port":1,"nanos":{"port":2}}', 'CONFLICT'],
    ['a program on a runtime that runs none', '{"name":"a","nanos":{"program":"b"}}', 'PROJECT_INVALID'],
  ])('refuses %s, and writes nothing', async (_, text, code) => {
    if (text !== null) writeFileSync(path, text);
    const { exitCode, err } = await migrate('shop');
    expect(exitCode).toBe(2);
    expect(err).toContain(`error[${code}]`);
    if (text !== null) expect(readFileSync(path, 'utf8')).toBe(text);
  });
});
