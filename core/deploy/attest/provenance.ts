/** How an image was made. Pure. Source: in-toto Statement v1; SLSA Provenance v1. */
import type { Component } from './components.ts';

export interface Provenance {
  readonly name: string;
  readonly digest: string;
  readonly functionName: string;
  readonly runtime: string;
  /** The digests of the function's code and of its bootable image. */
  readonly bundleId: string;
  readonly imageId: string;
  /** The commit that the sources belong to; null outside of a git repository. */
  readonly commit: string | null;
  readonly createdAt: string;
  readonly version: string;
  readonly components: readonly Component[];
}

/** The statement that SLSA calls a provenance. */
export function writeProvenance(made: Provenance): object {
  const { name, digest, functionName, runtime, bundleId, imageId, commit, createdAt, version, components } = made;
  const sources = commit === null ? [] : [{ name: 'source', digest: { gitCommit: commit } }];
  const packages = components.flatMap(({ purl, sha256 }) =>
    purl === null ? [] : [{ uri: purl, ...(sha256 !== undefined && { digest: { sha256 } }) }],
  );
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name, digest: { sha256: digest.replace(/^sha256:/, '') } }],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'https://firstlight.dev/build/pod-image/v1',
        externalParameters: { function: functionName, runtime },
        internalParameters: { bundle: bundleId, image: imageId },
        resolvedDependencies: [...sources, ...packages],
      },
      runDetails: {
        builder: { id: 'https://firstlight.dev/builder/v1', version: { firstlight: version } },
        metadata: { invocationId: imageId, finishedOn: createdAt },
      },
    },
  };
}
