import { describe, expect, it } from 'vitest';
import { fromSystemError, storeHints } from './system-error.ts';

const failed = (code: string) => Object.assign(new Error(`${code}: what the system says`), { code });

describe('a file that the system refuses', () => {
  it.each([
    ['ENOSPC', 'DISK_FULL', 'Free some space'],
    ['EDQUOT', 'DISK_FULL', 'Free some space'],
    ['EMFILE', 'STORE_UNUSABLE', 'ulimit -n'],
    ['ENFILE', 'STORE_UNUSABLE', 'ulimit -n'],
    ['EROFS', 'STORE_UNUSABLE', 'the right to write'],
    ['EACCES', 'STORE_UNUSABLE', 'the right to write'],
    ['EIO', 'STORE_UNUSABLE', 'FIRSTLIGHT_HOME'],
  ])('by %s is an error with what to do', (code, expected, hint) => {
    expect(fromSystemError(failed(code), 'write', '/path', storeHints)).toMatchObject({
      code: expected,
      message: expect.stringContaining('Could not write /path'),
      hint: expect.stringContaining(hint),
    });
  });
});
