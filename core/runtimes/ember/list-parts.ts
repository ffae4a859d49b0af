import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { ImagePart } from '#core/runtime/images.ts';

/** The engine in the kernel is compiled from this package. */
const enginePackage = 'quickjs-wasi';

/** The kernel, which has Firstlight's version, the JavaScript engine and, with a network, the TCP/IP stack. */
export async function listEmberParts(version: string, hasNetwork: boolean): Promise<readonly ImagePart[]> {
  const manifest = createRequire(import.meta.url).resolve(`${enginePackage}/package.json`);
  const engine = JSON.parse(await readFile(manifest, 'utf8')) as { readonly version: string };
  const purl = `pkg:npm/${enginePackage}@${engine.version}`;
  return [
    { kind: 'operating-system', name: 'ember', version, purl: null, license: null },
    { kind: 'library', name: enginePackage, version: engine.version, purl, license: 'MIT' },
    ...(hasNetwork ? [lwip] : []),
  ];
}

/** Compiled in from the source package of the distribution that built it, which pins no version here. */
const lwip: ImagePart = { kind: 'library', name: 'lwip', version: '', purl: null, license: 'BSD-3-Clause' };
