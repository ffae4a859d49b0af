import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { limits, protocolSource } from './protocol.gen.ts';

describe('protocol.gen.ts', () => {
  it('is what the generator makes of the description', () => {
    const generator = fileURLToPath(new URL('../../../build/generate-libvirt.mjs', import.meta.url));
    const run = spawnSync(process.execPath, [generator, '--check'], { encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
  });

  it('names the release it was read from', () => {
    expect(protocolSource).toBe('libvirt 9.0.0');
    expect(readFileSync(new URL('./protocol.gen.ts', import.meta.url), 'utf8')).toMatch(
      /^\/\/ Generated .*libvirt 9\.0\.0/,
    );
    expect(limits.messageBytes).toBe(32 * 1024 * 1024);
  });
});
