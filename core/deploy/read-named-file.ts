import { readRegularFile } from '#core/store/read-regular-file.ts';
import { FirstlightError } from '#shared/errors.ts';

/** Certificates, keys, tokens and configurations are far smaller. */
const maxBytes = 4 << 20;

/**
 * The text of a file that a person names, or a file of theirs: a kubeconfig, a certificate, a token, a key. A FIFO or a
 * device in its place keeps nobody waiting.
 *
 * Errors: NOT_FOUND; as `readRegularFile`.
 */
export async function readNamedFile(path: string): Promise<string> {
  const found = await readRegularFile(path, maxBytes);
  if (found !== undefined) return found.toString('utf8');
  throw new FirstlightError('NOT_FOUND', `There is no file ${path}.`, { details: { subject: path } });
}
