import { configFileName } from '#shared/model/project.ts';

/**
 * Where the editor may look for the schema of open `firstlight.json` files: each names it by a path of its own (`"$schema"`), which is read relative
 * to the file. Every such path refers to this program's schema.
 */
export function schemaAddresses(files: readonly { readonly uri: string; readonly text: string }[]): string[] {
  const addresses = new Set(['firstlight:///firstlight.schema.json']);
  for (const { uri, text } of files) {
    if (!uri.endsWith(`/${configFileName}`)) continue;
    const named = /"\$schema"\s*:\s*"([^"\\]+)"/.exec(text)?.[1];
    if (named !== undefined && URL.canParse(named, uri)) addresses.add(new URL(named, uri).href);
  }
  return [...addresses].sort();
}
