/** The sort order of a table. */
export interface Sort<Key extends string> {
  readonly by: Key;
  readonly ascending: boolean;
}

/** The order after a click on a heading: by that column, then reversed. */
export const nextSort = <Key extends string>(sort: Sort<Key>, by: Key): Sort<Key> =>
  sort.by === by ? { by, ascending: !sort.ascending } : { by, ascending: true };

/** The sorted rows, unknown values last. Equal rows keep their order. */
export function sortRows<Row>(
  rows: readonly Row[],
  read: (row: Row) => string | number | null,
  ascending: boolean,
): readonly Row[] {
  const direction = ascending ? 1 : -1;
  return [...rows].sort((a, b) => {
    const [x, y] = [read(a), read(b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    return direction * (x < y ? -1 : x > y ? 1 : 0);
  });
}
