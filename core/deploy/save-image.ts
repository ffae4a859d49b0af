/** The container image of a function as files, for whoever pushes it by other means. */
import { addToLayout } from '@firstlight/oci';
import type { BuildWithGiven } from '#core/images/build-with-given.ts';
import { fromFormatError } from '#core/store/from-format-error.ts';
import type { CallOutput } from '#shared/contract/index.ts';
import type { KubernetesTarget } from '#shared/model/deploy.ts';
import type { DeployContext } from './deploy-context.ts';
import { type PackRequest, packImage } from './pack-image.ts';

export interface SaveRequest extends Pick<PackRequest, 'signal' | 'progress' | 'hasVariables'> {
  readonly engine: KubernetesTarget['engine'];
  /** The folder of the layout. */
  readonly to: string;
  readonly tag: string;
  readonly build: BuildWithGiven;
}

/**
 * Writes the image that a deploy would push into an OCI layout. Contacts nobody. Shape: of `deploy:save`.
 *
 * Errors: as `packImage`; BAD_INPUT when the folder holds something else; STORE_UNUSABLE.
 */
export async function saveImage(
  context: DeployContext,
  { engine, to, tag, build, ...request }: SaveRequest,
): Promise<CallOutput<'deploy:save'>> {
  const { image } = await packImage({ engine }, context, { ...request, bundle: build.bundle, image: build.image });
  request.progress({ step: 'image', message: `Writing ${to}` });
  try {
    await addToLayout(to, image, tag);
  } catch (thrown) {
    throw fromFormatError(thrown);
  }
  const parts = [image.manifest, image.config, ...image.layers];
  return { to, tag, digest: image.manifest.digest, bytes: parts.reduce((sum, { size }) => sum + size, 0) };
}
