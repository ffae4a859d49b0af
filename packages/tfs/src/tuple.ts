/**
 * A value of Nanos' tuples in JavaScript. Shape: a `Map` is a tuple, its keys symbols; an array is a vector; a
 * `bigint` is an integer. Nanos writes most of its options as strings: `t` for true, numbers in decimal.
 */
export type TupleValue = string | bigint | readonly TupleValue[] | Tuple;
export type Tuple = ReadonlyMap<string, TupleValue>;
