import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findQemu } from './find-qemu.ts';

it('ignores a pid file whose process is another program', () => {
  const dir = mkdtempSync(join(tmpdir(), 'fl-pid-'));
  const name = 'firstlight-no-such-domain';
  mkdirSync(join(dir, 'libvirt/qemu/run'), { recursive: true });
  writeFileSync(join(dir, `libvirt/qemu/run/${name}.pid`), `${process.pid}\n`);
  expect(findQemu(name, { XDG_RUNTIME_DIR: dir, XDG_CACHE_HOME: dir })).toBeNull();
  expect(findQemu('firstlight-none', { XDG_RUNTIME_DIR: dir, XDG_CACHE_HOME: dir })).toBeNull();
  rmSync(dir, { recursive: true });
});
