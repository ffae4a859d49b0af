import type { Tuple, TupleValue, Volume } from '@firstlight/tfs';
import { oldVersion } from '@firstlight/tfs';
import { FirstlightError } from '#shared/errors.ts';
import type { Json } from '#shared/model/json.ts';

/** Options are a few lines; an image may contain a tuple that is in itself, or a thousand times in the next. */
const maxDepth = 32;
const maxValues = 20_000;

/**
 * A tuple of a volume's root as JSON: an object, with arrays for vectors; an integer too large for a number as text.
 * Version 4 has no vectors: its replacement, a tuple with the names `0`, `1`, …, is an array as well.
 *
 * Errors: IMAGE_INVALID when it is endless, or practically so.
 */
export function tupleToJson({ disk, log }: Volume, tuple: Tuple): Record<string, Json> {
  const { path } = disk;
  const isOld = log.version === oldVersion;
  let values = 0;
  function convert(value: TupleValue, depth: number): Json {
    if (depth > maxDepth || ++values > maxValues) {
      throw new FirstlightError('IMAGE_INVALID', `${path}: the options of its root tuple have no end.`, {
        details: { subject: path },
      });
    }
    if (typeof value === 'string') return value;
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    if (Array.isArray(value)) return value.map((item) => convert(item, depth + 1));
    const entries = [...(value as Tuple)];
    return isOld && isList(value as Tuple) ? listOf(entries, depth) : toObject(entries, depth);
  }
  const listOf = (entries: readonly [string, TupleValue][], depth: number) =>
    entries.toSorted(([a], [b]) => Number(a) - Number(b)).map(([, item]) => convert(item, depth + 1));
  const toObject = (entries: readonly [string, TupleValue][], depth: number) =>
    // Own properties, whatever their names: `__proto__` is one as well.
    Object.fromEntries(entries.map(([name, value]) => [name, convert(value, depth + 1)]));
  return toObject([...tuple], 0);
}

function isList(tuple: Tuple): boolean {
  return (
    tuple.size > 0 && Array.from({ length: tuple.size }, (_, index) => String(index)).every((name) => tuple.has(name))
  );
}
