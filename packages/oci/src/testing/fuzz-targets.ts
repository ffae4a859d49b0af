import { FormatError } from '@firstlight/files';
import type { FuzzTarget } from '@firstlight/files/testing';
import {
  chooseManifest,
  OciError,
  parseChallenge,
  parseImageConfig,
  parseManifest,
  parseReference,
  parseSavedImages,
} from '../index.ts';

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (input: Uint8Array) => new TextDecoder().decode(input);

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

/** An index, a manifest, a configuration, or the manifest of `docker save`: each input is tried as all four. */
const ociDocuments: FuzzTarget = {
  name: 'OCI documents',
  share: 0.5,
  corpus: () => Object.values(documents).map((document) => encode(JSON.stringify(document))),
  parse: (input) => {
    const attempts = [
      () => {
        const parsed = parseManifest(input, 'fuzz');
        return 'manifests' in parsed ? chooseManifest(parsed.manifests, 'fuzz') : parsed;
      },
      () => parseImageConfig(input, 'fuzz'),
      () => parseSavedImages(input, 'fuzz'),
    ];
    if (attempts.filter(isTaken).length === 0) throw new OciError('invalid', 'It is none of them.');
  },
};

/** References to images and registries' challenges, as text. */
const ociTexts: FuzzTarget = {
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

/** Whether one of several readings of an input succeeds: a refusal does not end the tries. */
function isTaken(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch (thrown) {
    if (!(thrown instanceof FormatError)) throw thrown;
    return false;
  }
}

export const fuzzTargets: readonly FuzzTarget[] = [ociDocuments, ociTexts];
