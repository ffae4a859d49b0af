/** Values as ops writes them. */

/** The size in "2G", "512M", "1.5g" or "1024" (MiB, as QEMU takes it). Units: MiB; null for anything else, or less than one. */
export function parseMemoryMiB(text: string): number | null {
  const [, number, unit = 'm'] = /^(\d{1,9}(?:\.\d{1,3})?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim()) ?? [];
  if (number === undefined) return null;
  const scale = { k: 1 / 1024, m: 1, g: 1024, t: 1024 ** 2 }[unit.toLowerCase() || 'm'] as number;
  const mib = Math.ceil(Number(number) * scale);
  return mib >= 1 && mib <= 65_536 ? mib : null;
}

const maxRange = 64;

/** The ports in "8080" or "8080-8090"; null for anything else, or a range of more than 64. */
export function parsePorts(text: string): number[] | null {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text.trim()) ?? [];
  const from = Number(first);
  const to = Number(last);
  if (first === undefined || from < 1 || to > 65_535 || to < from || to - from >= maxRange) return null;
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
