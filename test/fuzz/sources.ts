/** The contents that core reads in projects and sources: an image's settings, ops configurations, firstlight.json. */

import type { FuzzTarget } from '@firstlight/files/testing';
import { parseImageConfig } from '@firstlight/oci';
import { elfHead } from '@firstlight/oci/testing';
import { createPathTree } from '@firstlight/tar';
import { parseConfig } from '#core/config/parse-config.ts';
import { runtimes } from '#core/engine/runtimes.ts';
import { makeRunSpec } from '#core/programs/oci/run-spec.ts';
import { parseOpsConfig } from '#core/programs/ops/parse-ops-config.ts';
import { opsToProject } from '#core/runtimes/nanos/ops/ops-to-project.ts';
import { FirstlightError } from '#shared/errors.ts';
import { isRefusal } from './is-refusal.ts';

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (input: Uint8Array) => new TextDecoder().decode(input);

const imageConfig = {
  os: 'linux',
  architecture: 'amd64',
  config: {
    Entrypoint: ['/bin/sh', '-c', 'exec server --name \'a b\' "c"'],
    Cmd: ['server', '-p', '80'],
    Env: ['PATH=/bin:/usr/bin', 'A=b'],
    WorkingDir: '/srv',
    User: '1000:1000',
    ExposedPorts: { '80/tcp': {} },
  },
  rootfs: { type: 'layers', diff_ids: [`sha256:${'0123456789abcdef'.repeat(4)}`] },
};

const image = createPathTree();
for (const [path, data] of [
  ['/bin/server', elfHead()],
  ['/bin/sh', elfHead()],
  ['/usr/bin/script', encode('#!/usr/bin/env server\n')],
] as const) {
  image.add(path, { kind: 'file', content: { kind: 'bytes', data }, bytes: data.length });
}
const readStart: Parameters<typeof makeRunSpec>[2] = async ({ content }) =>
  content.kind === 'bytes' ? content.data : new Uint8Array(0);

/** The program of an OCI image, from a readable configuration. */
export const runSpecs: FuzzTarget = {
  name: 'what OCI images run',
  share: 0.5,
  isRefusal,
  corpus: () => [encode(JSON.stringify(imageConfig))],
  parse: (input) => makeRunSpec(parseImageConfig(input, 'fuzz'), image, readStart),
};

/** ops' config.json, and the project made of it. */
export const opsConfigs: FuzzTarget = {
  name: 'ops configurations',
  share: 0.4,
  isRefusal,
  corpus: () => [
    encode(
      JSON.stringify({
        Program: '/nowhere/program',
        Args: ['a'],
        Env: { A: 'b' },
        Files: ['x', '/y'],
        MapDirs: { 'src/*': '/dst' },
        Mounts: { vol: '/mnt' },
        NoTrace: ['read'],
        ManifestPassthrough: { readonly_rootfs: 't', mmap_min_addr: 4096 },
        RunConfig: { Memory: '2G', Ports: ['80', '90-92'], IPAddress: '10.0.0.2', Nics: [{ BridgeName: 'br0' }] },
      }),
    ),
    encode('{"program":"x","RunConfig":{"CPUs":2},"Klibs":["tls"]}'),
  ],
  parse: (input) => {
    const { config, at } = parseOpsConfig(decode(input), 'config.json');
    if (config === null) throw new FirstlightError('BAD_INPUT', 'It has errors.');
    opsToProject(config, at, '/nowhere');
  },
};

/** firstlight.json: a file with errors has problems, and does not throw. */
export const projectConfigs: FuzzTarget = {
  name: 'firstlight.json',
  share: 0.4,
  isRefusal,
  corpus: () => [
    encode('{ "name": "a", "entry": "b.ts", "memoryMiB": 64, "env": { "A": "b" } } // c'),
    encode(
      JSON.stringify({
        name: 'shop',
        runtime: 'nanos',
        program: './server',
        args: ['-p', '80'],
        files: { '/etc/x': 'x' },
        port: 80,
        volumes: { data: { mount: '/data' } },
        nanos: { klibs: ['tls'] },
      }),
    ),
  ],
  parse: (input) => {
    const { config, problems } = parseConfig(decode(input), runtimes);
    if (config === null)
      throw new FirstlightError('PROJECT_INVALID', problems[0]?.message ?? 'Nothing was said of it.');
  },
};
