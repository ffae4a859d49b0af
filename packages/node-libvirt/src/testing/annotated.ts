/** Bytes written field by field: `bytes(['0000001c', 'length 28'], …)`. The notes are for readers of the test. */
export function bytes(...fields: readonly (readonly [hex: string, note: string])[]): Buffer {
  return Buffer.from(fields.map(([hex]) => hex.replaceAll(' ', '')).join(''), 'hex');
}
