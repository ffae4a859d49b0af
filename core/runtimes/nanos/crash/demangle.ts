import { runTool } from '../../../exec/run-tool.ts';

const mangled = /^_[ZR]/;

/**
 * Names of C++ and Rust in their source form, other names unchanged.
 *
 * It uses binutils, which is present where programs are built; without it the names stay unchanged.
 */
export async function demangle(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const wanted = [...new Set(names)].filter((name) => mangled.test(name));
  const plain = new Map(names.map((name) => [name, name]));
  if (wanted.length === 0) return plain;
  const printed = await runTool('c++filt', [], { input: `${wanted.join('\n')}\n` }).then(
    ({ stdout }) => stdout.split('\n'),
    () => [],
  );
  for (const [index, name] of wanted.entries()) plain.set(name, printed[index] || name);
  return plain;
}
