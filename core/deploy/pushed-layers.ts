/** Which repository of a registry has which layer: the next function's takes it from there, without an upload. */
import { join } from 'node:path';
import { z } from 'zod';
import type { Layout } from '#core/store/layout.ts';
import { readJson } from '#core/store/read-json.ts';
import { writeAtomic } from '#core/store/write-atomic.ts';

interface Repository {
  readonly host: string;
  readonly name: string;
}

/** Shape: for each registry the layers' digests with their repositories, those pushed last at the end. */
const pushedSchema = z.record(z.string(), z.array(z.tuple([z.string(), z.string()])));
/** For each registry. The layers that functions share are in every push, and so stay among them. */
const maxLayers = 200;

const pathIn = ({ podLayersDir }: Pick<Layout, 'podLayersDir'>) => join(podLayersDir, 'pushed-layers.json');

async function read(layout: Pick<Layout, 'podLayersDir'>): Promise<z.output<typeof pushedSchema>> {
  const found = await readJson(pathIn(layout), pushedSchema);
  // What is lost costs an upload.
  return (found.ok && found.value) || {};
}

/** The other repositories of a registry that have layers, by the layers' digests. Errors: STORE_UNUSABLE. */
export async function findPushedLayers(
  layout: Pick<Layout, 'podLayersDir'>,
  { host, name }: Repository,
): Promise<Readonly<Record<string, string>>> {
  const known = (await read(layout))[host] ?? [];
  return Object.fromEntries(known.filter(([, repository]) => repository !== name));
}

/** Keeps in mind that a repository has layers. Errors: STORE_UNUSABLE, DISK_FULL. */
export async function rememberPushedLayers(
  layout: Pick<Layout, 'podLayersDir' | 'ensure'>,
  { host, name }: Repository,
  digests: readonly string[],
): Promise<void> {
  const known = await read(layout);
  const others = (known[host] ?? []).filter(([digest]) => !digests.includes(digest));
  const layers = [...others, ...digests.map((digest) => [digest, name])].slice(-maxLayers);
  await layout.ensure(layout.podLayersDir);
  await writeAtomic(pathIn(layout), `${JSON.stringify({ ...known, [host]: layers })}\n`);
}
