/** What an import reads: archives, the documents of OCI images, references, ops configurations. */
import { gzipSync } from 'node:zlib';
import {
  chooseManifest,
  parseChallenge,
  parseImageConfig,
  parseManifest,
  parseReference,
  parseSavedImages,
} from '@firstlight/oci';
import { elfHead } from '@firstlight/oci/testing';
import { createPathTree, readTar } from '@firstlight/tar';
import { makeTar, storedZstd } from '@firstlight/tar/testing';
import { makeRunSpec } from '#core/programs/oci/run-spec.ts';
import { parseOpsConfig } from '#core/programs/ops/parse-ops-config.ts';
import { opsToProject } from '#core/runtimes/nanos/ops/ops-to-project.ts';
import { FirstlightError } from '#shared/errors.ts';
import { isRefusal } from './is-refusal.ts';
import type { FuzzTarget } from './run-fuzz.ts';

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (input: Uint8Array) => new TextDecoder().decode(input);

async function* once(input: Uint8Array): AsyncGenerator<Uint8Array> {
  yield input;
}

/** An archive, read whole and put into a tree. */
export const tarArchives: FuzzTarget = {
  name: 'tar archives',
  corpus: async () => {
    const tar = await makeTar([
      { name: 'd/', type: 'directory' },
      { name: 'd/file', data: 'content' },
      { name: `d/${'n'.repeat(120)}`, data: 'x' },
      { name: 'link', type: 'symlink', linkname: 'd' },
      { name: 'link/through', data: 'y' },
      { name: 'hard', type: 'link', linkname: 'd/file' },
    ]);
    const small = await makeTar([{ name: 'a', data: 'x' }]);
    return [tar, small.subarray(0, 1024), gzipSync(small), storedZstd(small.subarray(0, 1024))];
  },
  parse: async (input) => {
    const tree = createPathTree();
    for await (const entry of readTar(once(input), { archive: 'fuzz.tar' })) {
      if (entry.kind === 'symlink' || entry.kind === 'directory') tree.add(entry.path, entry);
      if (entry.kind !== 'file') continue;
      for await (const _ of entry.content);
      tree.add(entry.path, { kind: 'file', content: { kind: 'bytes', data: new Uint8Array(0) }, bytes: entry.bytes });
    }
    tree.toFileTree();
  },
};

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: 3 };
const platform = { os: 'linux', architecture: 'amd64' };
const documents = {
  index: { schemaVersion: 2, manifests: [{ ...layer, platform, annotations: { a: 'b' } }] },
  manifest: { schemaVersion: 2, config: layer, layers: [layer, layer] },
  config: {
    ...platform,
    config: {
      Entrypoint: ['/bin/sh', '-c', 'exec server --name \'a b\' "c"'],
      Cmd: ['server', '-p', '80'],
      Env: ['PATH=/bin:/usr/bin', 'A=b'],
      WorkingDir: '/srv',
      User: '1000:1000',
      ExposedPorts: { '80/tcp': {} },
    },
    rootfs: { type: 'layers', diff_ids: [digest] },
  },
  saved: [{ Config: 'a.json', RepoTags: ['a:b'], Layers: ['x/layer.tar'] }],
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

/** An index, a manifest, a configuration, or what `docker save` writes: each input is tried as all four. */
export const ociDocuments: FuzzTarget = {
  name: 'OCI documents',
  corpus: () => Object.values(documents).map((document) => encode(JSON.stringify(document))),
  parse: async (input) => {
    const attempts = [
      () => {
        const parsed = parseManifest(input, 'fuzz');
        return 'manifests' in parsed ? chooseManifest(parsed.manifests, 'fuzz') : parsed;
      },
      () => makeRunSpec(parseImageConfig(input, 'fuzz'), image, readStart),
      () => parseSavedImages(input, 'fuzz'),
    ];
    let taken = 0;
    for (const attempt of attempts) taken += (await isTaken(attempt)) ? 1 : 0;
    if (taken === 0) throw new FirstlightError('ARCHIVE_INVALID', 'It is none of them.');
  },
};

/** References to images and what registries ask for, as text. */
export const ociTexts: FuzzTarget = {
  name: 'OCI references',
  corpus: () =>
    [
      'docker://registry.example:5000/team/app:1.2',
      `registry.example/app@${digest}`,
      'oci:/path/to/dir:tag',
      'Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull"',
    ].map(encode),
  parse: (input) => {
    const text = decode(input);
    if (parseChallenge(text) === null) parseReference(text, '/');
  },
};

/** ops' config.json, and the project made of it. */
export const opsConfigs: FuzzTarget = {
  name: 'ops configurations',
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

/** Whether one of several readings of an input succeeds: a refusal is not a failure. */
async function isTaken(attempt: () => unknown): Promise<boolean> {
  try {
    await attempt();
    return true;
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    return false;
  }
}
