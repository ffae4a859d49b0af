import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { toStoreError } from './store-error.ts';
import { undefinedIfMissing } from './write-atomic.ts';

/** The content of a file of ours; `value` is undefined when there is no file. */
export type JsonRead<Value> =
  | { readonly ok: true; readonly value: Value | undefined }
  | { readonly ok: false; readonly reason: string };

/** Reads a JSON file of ours and checks it. Errors: STORE_UNUSABLE when it cannot be read at all. */
export async function readJson<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
): Promise<JsonRead<z.output<Schema>>> {
  let text: string | undefined;
  try {
    text = await readFile(path, 'utf8').catch(undefinedIfMissing);
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
