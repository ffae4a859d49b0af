import { describe, expect, test } from 'vitest';
import type { ImportProposal } from '#shared/model/import.ts';
import { bytes } from '#shared/model/units.ts';
import { createFakeIo } from '../testing/fake-io.ts';
import { cli, opening } from '../testing/run-cli.ts';
import { project } from '../testing/samples.ts';

const proposal: ImportProposal = {
  source: 'docker://registry.example/team/app:1',
  kind: 'oci-image',
  name: 'app',
  summary: 'OCI image, 2 layers',
  program: '/usr/bin/node',
  args: ['server.js'],
  envNames: ['PATH'],
  cwd: '/srv',
  port: 3000,
  files: { count: 12, bytes: bytes(2048) },
  closure: null,
  missing: [{ name: 'libx.so.1', neededBy: '/usr/bin/node' }],
  warnings: [{ code: 'user', message: 'It asks for the user "node".', hint: 'Nothing to do.' }],
  problems: [],
  config: '{}\n',
  digest: 'sha256:1',
  canCreate: true,
};

describe('import', () => {
  test('shows what is in the source, then the project', async () => {
    const seen: unknown[] = [];
    const calls = {
      'imports:examine': () => proposal,
      'imports:create': (input: object) => {
        seen.push(input);
        return { ...project, name: 'app', dir: '/somewhere/app' };
      },
    };
    const { exitCode, out, err } = await cli(['import', 'registry.example/team/app:1'], { calls });
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    expect(out).toContain(
      'OCI image, 2 layers  docker://registry.example/team/app:1\n  program    /usr/bin/node server.js\n',
    );
    expect(out).toContain('  missing    libx.so.1, needed by /usr/bin/node\n');
    expect(out).toContain('warning: It asks for the user "node".\n  hint Nothing to do.\n');
    expect(out).toMatch(/Created app in \.\/app\nRun it: firstlight run \.\/app\n$/);
    expect(seen).toEqual([
      {
        source: 'registry.example/team/app:1',
        cwd: '/somewhere',
        name: 'app',
        dir: '/somewhere/app',
        digest: 'sha256:1',
      },
    ]);
  });

  test('makes nothing in a dry run, and says by its exit code whether it could', async () => {
    const dry = (canCreate: boolean) =>
      cli(['import', 'x', '--dry-run', '--json'], { calls: { 'imports:examine': () => ({ ...proposal, canCreate }) } });
    expect(await dry(true)).toMatchObject({ exitCode: 0, out: `${JSON.stringify(proposal)}\n` });
    expect((await dry(false)).exitCode).toBe(2);
  });
});

describe('export ops', () => {
  test('prints a config.json, and what has no place in it on stderr', async () => {
    const calls = { ...opening, 'imports:toOps': () => ({ config: '{"Program":"x"}\n', notes: ['One thing.'] }) };
    const plain = await cli(['export', 'ops', '/somewhere'], { calls }, createFakeIo());
    expect(plain).toMatchObject({ exitCode: 0, out: '{"Program":"x"}\n', err: 'note: One thing.\n' });
    const json = await cli(['export', 'ops', '/somewhere', '--json'], { calls });
    expect(JSON.parse(json.out)).toEqual({ config: { Program: 'x' }, notes: ['One thing.'] });
  });
});
