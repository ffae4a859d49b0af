import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findQemuUser } from './qemu-user.ts';

it('finds the user that QEMU runs as, with its own group where it has one', async () => {
  const etc = await mkdtemp(join(tmpdir(), 'fl-etc-'));
  try {
    expect(findQemuUser(0, etc)).toBeNull();
    await writeFile(join(etc, 'passwd'), 'root:x:0:0::/root:/bin/sh\nqemu:x:107:36::/:/sbin/nologin\n');
    expect(findQemuUser(0, etc)).toEqual({ uid: 107, gid: 36 });
    await writeFile(join(etc, 'group'), 'kvm:x:36:\nqemu:x:107:\n');
    expect(findQemuUser(0, etc)).toEqual({ uid: 107, gid: 107 });
    expect(findQemuUser(1000, etc)).toBeNull();
  } finally {
    await rm(etc, { recursive: true, force: true });
  }
});
