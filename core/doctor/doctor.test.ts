import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isHiddenFromQemu } from '#core/vmm/kvm-access.ts';
import { lookAtNode } from './host-checks.ts';
import { firstObstacle } from './path-access.ts';

describe('lookAtNode', () => {
  it.each([
    ['20.19.0', 'ok'],
    ['22.1.0', 'ok'],
    ['20.18.9', 'failed'],
    ['18.20.0', 'failed'],
  ])('%s is %s', (version, status) => {
    expect(lookAtNode(version).status).toBe(status);
  });
});

describe('isHiddenFromQemu', () => {
  const device = { uid: 0, gid: 0, kvmGid: 107 };
  it('finds the device that only root may use, and one that another group has', () => {
    expect(isHiddenFromQemu({ ...device, mode: 0o600 })).toBe(true);
    expect(isHiddenFromQemu({ ...device, mode: 0o660 })).toBe(true);
    expect(isHiddenFromQemu({ ...device, mode: 0o660, kvmGid: null })).toBe(true);
  });
  it('is content with group kvm, or everybody', () => {
    expect(isHiddenFromQemu({ ...device, mode: 0o660, gid: 107 })).toBe(false);
    expect(isHiddenFromQemu({ ...device, mode: 0o666 })).toBe(false);
    expect(isHiddenFromQemu({ ...device, mode: 0o640, gid: 107 })).toBe(true);
  });
});

describe('firstObstacle', () => {
  const root = mkdtempSync(join(tmpdir(), 'fl-doctor-'));
  chmodSync(root, 0o711);
  const inner = join(root, 'closed/inner');
  mkdirSync(inner, { recursive: true, mode: 0o755 });
  chmodSync(join(root, 'closed'), 0o700);
  afterAll(() => rmSync(root, { recursive: true }));
  const stranger = { uid: 64055, gids: [107] };

  it('names the folder that a user may not pass', async () => {
    expect(await firstObstacle(inner, stranger)).toBe(join(root, 'closed'));
    expect(await firstObstacle(root, stranger)).toBeNull();
    expect(await firstObstacle(join(root, 'closed'), { uid: process.getuid?.() ?? 0, gids: [] })).toBeNull();
  });
  it('takes a folder that is not there for no obstacle', async () => {
    expect(await firstObstacle(join(root, 'absent/x'), stranger)).toBeNull();
  });
});
