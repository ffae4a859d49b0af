import {
  type ComposedImage,
  type OciReference,
  type Pushed,
  parseReference,
  pushImage,
  type RegistryAccess,
} from '@firstlight/oci';
import type { Build } from '#core/images/image-store.ts';
import type { Runtime } from '#core/runtime/runtime.ts';
import { fromFormatError } from '#core/store/from-format-error.ts';
import type { Layout } from '#core/store/layout.ts';
import { allowedTokenService } from '#core/store/token-services.ts';
import type { Progress } from '#shared/contract/define.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { KubernetesTarget } from '#shared/model/deploy.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import { attest } from './attest/attest.ts';
import { readSigningKey } from './attest/sign.ts';
import { findRegistryCredentials } from './credentials.ts';
import type { PodImage } from './pod-image/pod-image.ts';
import { findPushedLayers, rememberPushedLayers } from './pushed-layers.ts';
import { readNamedFile } from './read-named-file.ts';

interface PushContext {
  readonly layout: Layout;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
}

interface FunctionContext {
  readonly layout: Layout;
  readonly runtimes: ReadonlyMap<RuntimeId, Pick<Runtime, 'listParts'>>;
  readonly env: NodeJS.ProcessEnv;
  readonly version: string;
  readonly findCommit: (dir: string) => Promise<string | null>;
}

/** Pushes an image to a target's registry. Errors: REGISTRY_*; TARGET_INVALID; CANCELLED. */
export async function pushPodImage(
  target: KubernetesTarget,
  name: string,
  imageId: string,
  image: ComposedImage,
  context: PushContext,
): Promise<Pushed> {
  try {
    return await push(await openRegistry(target, name, imageId, context), target, image, context);
  } catch (thrown) {
    throw fromFormatError(thrown);
  }
}

/**
 * Pushes the image of a function, with its SBOMs, its provenance and, with a key, its signature.
 *
 * Errors: REGISTRY_*; TARGET_INVALID; NOT_FOUND, BAD_INPUT for the key; CANCELLED.
 */
export async function pushFunction(
  target: KubernetesTarget,
  { bundle, image }: Pick<Build, 'bundle' | 'image'>,
  pod: PodImage,
  { layout, runtimes, env, version, findCommit }: FunctionContext,
  options: Omit<PushContext, 'env' | 'layout'> & { readonly signKey?: string | undefined },
): Promise<Pushed> {
  const { signKey, progress } = options;
  const key = signKey === undefined ? null : await readSigningKey(signKey, env);
  try {
    const place = await openRegistry(target, bundle.config.name, image.id, { ...options, layout, env });
    const pushed = await push(place, target, pod.image, { ...options, layout, env });
    progress({ step: 'push', message: 'Attaching SBOM and provenance' });
    const commit = await findCommit(bundle.projectDir);
    const { parts, hostFiles } = (await runtimes.get(image.runtime)?.listParts?.(bundle, options)) ?? noParts;
    const packagesDir = await layout.ensure(layout.podLayersDir);
    const own = { parts, hostFiles: [...pod.hostFiles, ...hostFiles], packagesDir };
    const packed = { bundle, image, ...own, commit, version };
    await attest(place.reference, pod.image, packed, key, place.access);
    return pushed;
  } catch (thrown) {
    throw fromFormatError(thrown);
  }
}

const noParts = { parts: [], hostFiles: [] };

interface Place {
  readonly reference: Extract<OciReference, { kind: 'registry' }>;
  readonly access: RegistryAccess;
}

async function openRegistry(
  target: KubernetesTarget,
  name: string,
  imageId: string,
  { layout, env, signal }: PushContext,
): Promise<Place> {
  const reference = parseReference(`docker://${target.registry}/${name}:${imageId.slice(0, 12)}`, '/');
  if (reference.kind !== 'registry') {
    throw new FirstlightError('TARGET_INVALID', `${target.registry} is not a registry.`);
  }
  const ca = target.registryCa === null ? undefined : await readNamedFile(target.registryCa);
  const credentials = (host: string) => findRegistryCredentials(host, env, signal);
  const tokenService = allowedTokenService(layout);
  return { reference, access: { credentials, tokenService, ca, plainHttp: target.plainHttp, signal } };
}

async function push(
  { reference, access }: Place,
  target: KubernetesTarget,
  image: ComposedImage,
  { layout, progress }: PushContext,
): Promise<Pushed> {
  const pushed = await pushImage(reference, image, {
    ...access,
    mountFrom: await findPushedLayers(layout, reference),
    onProgress: ({ sentBytes, totalBytes }) =>
      progress({ step: 'push', message: `Pushing to ${target.registry}`, fraction: sentBytes / totalBytes }),
  });
  await rememberPushedLayers(
    layout,
    reference,
    image.layers.map(({ digest }) => digest),
  );
  return pushed;
}
