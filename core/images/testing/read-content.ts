import { readFileBytes } from '@firstlight/tfs';
import { findFile } from '../inspect/find-node.ts';
import { withImage } from '../inspect/open-image.ts';

/** A file of an image's root, as text. */
export async function contentOf(image: string, file: string): Promise<string> {
  return withImage(image, async (open) => {
    const volume = await open.volume('root');
    const chunks: Uint8Array[] = [];
    for await (const chunk of readFileBytes(volume.disk, findFile(volume, file).data)) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  });
}
