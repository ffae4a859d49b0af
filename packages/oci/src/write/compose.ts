import { digestOf } from '../verify.ts';
import { type LayerBlob, mediaTypes } from './blob.ts';

/** The run-time settings of the image's containers. */
export interface ContainerSettings {
  readonly entrypoint: readonly string[];
  /** The arguments unless a container is given others. */
  readonly cmd?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly user?: string | undefined;
  readonly workingDir?: string | undefined;
  readonly exposedPorts?: readonly number[] | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

export interface ImageParts {
  readonly layers: readonly LayerBlob[];
  readonly settings: ContainerSettings;
  /** Annotations of the manifest: any tool shows them. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** A document of an image, in memory. */
export interface Document {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly bytes: Uint8Array;
}

/** A complete image: its manifest, the documents that the manifest names, and the layers' paths. */
export interface ComposedImage {
  readonly manifest: Document;
  readonly config: Document;
  readonly layers: readonly LayerBlob[];
}

/** The manifest and the configuration of an image for linux/amd64. The same parts give the same digest. */
export function composeImage({ layers, settings, annotations = {} }: ImageParts): ComposedImage {
  const { entrypoint, cmd = [], env = {}, user, workingDir, exposedPorts = [], labels = {} } = settings;
  const config = makeDocument(mediaTypes.config, {
    architecture: 'amd64',
    os: 'linux',
    config: {
      Entrypoint: entrypoint,
      ...(cmd.length > 0 && { Cmd: cmd }),
      Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      ...(user !== undefined && { User: user }),
      WorkingDir: workingDir ?? '/',
      ...(exposedPorts.length > 0 && {
        ExposedPorts: Object.fromEntries(exposedPorts.map((port) => [`${port}/tcp`, {}])),
      }),
      Labels: labels,
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  });
  const named = ({ mediaType, digest, size }: Pick<Document, 'mediaType' | 'digest' | 'size'>) => ({
    mediaType,
    digest,
    size,
  });
  const manifest = makeDocument(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: named(config),
    layers: layers.map(named),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  });
  return { manifest, config, layers };
}

/** A JSON document with its digest. */
export function makeDocument(mediaType: string, content: unknown): Document {
  const bytes = Buffer.from(JSON.stringify(content));
  return { mediaType, digest: digestOf(bytes), size: bytes.length, bytes };
}
