import { z } from 'zod';
import { readRegularFile } from './read-regular-file.ts';
import { toStoreError } from './store-error.ts';

/** The content of a file of ours; `value` is undefined when there is no file. */
export type JsonRead<Value> =
  | { readonly ok: true; readonly value: Value | undefined }
  | { readonly ok: false; readonly reason: string };

/** Far above the size of any file of ours. */
const maxJsonBytes = 256 << 20;

/** Reads a JSON file of ours and checks it. Errors: STORE_UNUSABLE when it cannot be read at all. */
export async function readJson<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
): Promise<JsonRead<z.output<Schema>>> {
  let text: string | undefined;
  try {
    text = (await readRegularFile(path, maxJsonBytes))?.toString();
  } catch (thrown) {
    throw toStoreError(thrown, 'read', path);
  }
  if (text === undefined) return { ok: true, value: undefined };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (thrown) {
    return { ok: false, reason: `It is not JSON (${thrown instanceof Error ? thrown.message : String(thrown)}).` };
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    return { ok: false, reason: `It is not what Firstlight writes (${z.prettifyError(parsed.error).split('\n')[0]}).` };
  }
  return { ok: true, value: parsed.data };
}
