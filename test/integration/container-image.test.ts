/** The container image for a RuntimeClass, made of an OCI image, as containerd and runc start it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fakeBootParts } from '@firstlight/disk/testing';
import { addToLayout } from '@firstlight/oci';
import { makeLayout } from '@firstlight/oci/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeContainerImage } from '#core/deploy/pod-image/container-image.ts';
import { runtimes } from '#core/engine/runtimes.ts';
import { readProject } from '#core/projects/project-service.ts';
import type { Bundle } from '#core/runtime/bundle.ts';
import { createNanosRuntime, type NanosOptions } from '#core/runtimes/nanos/nanos-runtime.ts';
import { createLayout } from '#core/store/layout.ts';
import type { Image } from '#shared/model/image.ts';
import { type Containerd, startContainerd, whyNoContainerd } from './containerd.ts';

const reason = whyNoContainerd();

/** Prints, for each path, its mode, and whether this user may read and run it. */
const probeSource = `
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
int main(int count, char **args)
{
  struct stat found;

  for (int i = 1; i < count; i++)
    if (stat(args[i], &found) == 0)
      printf("%s %o%s%s\\n", args[i], found.st_mode & 07777, access(args[i], R_OK) ? "" : " read",
             access(args[i], X_OK) ? "" : " run");
  return 0;
}
`;

describe.skipIf(reason !== null)(`a container image${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  let containerd: Containerd;
  let dir: string;
  beforeAll(async () => {
    containerd = await startContainerd('container-image', probeSource);
    dir = containerd.dir;
  }, 60_000);
  afterAll(() => containerd.stop());
  const ctr: Containerd['ctr'] = (...words) => containerd.ctr(...words);

  it('has the modes of the image’s files, and lets its one user do what their owner may', async () => {
    const files = [
      { name: 'bin/probe', mode: 0o755, data: readFileSync(containerd.probePath) },
      { name: 'entrypoint.d/10-run.sh', mode: 0o755, data: '#!/bin/sh\n' },
      { name: 'entrypoint.d/20-left-out.sh', mode: 0o644, data: '#!/bin/sh\n' },
      { name: 'root/.pgpass', mode: 0o600, data: '*:*:*:*:x' },
      { name: 'etc/empty', mode: 0o640 },
      { name: 'bin/mine', mode: 0o700, data: 'x' },
      { name: 'bin/su', mode: 0o4755, data: 'x' },
      { name: 'usr/', type: 'directory', mode: 0o700 },
      { name: 'usr/linked', type: 'link', linkname: 'entrypoint.d/20-left-out.sh' },
    ] as const;
    const layout = createLayout({ home: join(dir, 'home'), env: {}, uid: 0 });
    const projectDir = join(dir, 'p');
    await makeLayout(join(projectDir, 'image'), [{ layers: [files], config: { Entrypoint: ['/bin/probe'] } }]);
    mkdirSync(projectDir, { recursive: true });
    writeFileSync(join(projectDir, 'note'), 'x');
    const keys = { name: 'modes', runtime: 'nanos', image: 'oci:image', port: 8080, files: { '/srv/note': 'note' } };
    writeFileSync(join(projectDir, 'firstlight.json'), JSON.stringify(keys));
    const { config } = await readProject(projectDir, runtimes);
    const { bootImage: bootImg, kernel: kernelImg } = await fakeBootParts(dir);
    const release = { version: '0.1.54', kernelImg, bootImg, kernelElf: null, klibs: new Map(), digest: 'release' };
    const parts = { layout, releases: { resolve: async () => release }, functionServerPath: '', env: {} };
    const runtime = createNanosRuntime(parts as unknown as NanosOptions);
    const request = { layout, runtime, version: '1', signal: new AbortController().signal, progress: () => undefined };
    // The second time, what is in it comes out of the records of the first.
    for (let round = 0; round < 2; round++) {
      const bundle = { config, projectDir, id: 'bundle' } as unknown as Bundle;
      const { image } = await makeContainerImage({ ...request, bundle, image: { id: 'image' } as Image });
      const out = join(dir, `out-${round}`);
      await addToLayout(out, image, 'v1');
      execFileSync('tar', ['cf', join(dir, 'out.tar'), '-C', out, '.']);
      expect(ctr('images', 'import', '--base-name', 'x/y', join(dir, 'out.tar')).stderr).toBe('');
      const asked = files.filter(({ name }) => name !== 'bin/probe').map(({ name }) => `/${name}`);
      const command = ['/bin/probe', ...asked, '/srv/note'];
      const ran = ctr('run', '--rm', '--read-only', '--snapshotter', 'native', 'x/y:v1', `modes-${round}`, ...command);
      expect([ran.stderr, ran.stdout.trimEnd().split('\n')]).toEqual([
        '',
        [
          '/entrypoint.d/10-run.sh 755 read run',
          '/entrypoint.d/20-left-out.sh 644 read',
          '/root/.pgpass 600 read',
          '/etc/empty 640 read',
          '/bin/mine 700 read run',
          '/bin/su 755 read run',
          '/usr/ 755 read run',
          '/usr/linked 644 read',
          '/srv/note 755 read run',
        ],
      ]);
    }
  }, 120_000);
});
