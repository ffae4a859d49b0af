import { LibvirtProtocolError } from './errors.ts';
import type { XdrReader, XdrWriter } from './xdr.ts';

/** A typed parameter's value. Units: 64-bit integers beyond 2^53 are rounded to the nearest double. */
export type ParamValue = number | boolean | string;

/** Typed parameters keyed by field name, as in `params['cpu.time']`. */
export type Params = Record<string, ParamValue>;

/** Reads a list of typed parameters into one object. Errors: LibvirtProtocolError for a type that does not exist. */
export function readParams(r: XdrReader, max: number): Params {
  const count = r.u32();
  if (count > max) throw new LibvirtProtocolError(`${count} typed parameters are over the limit of ${max}`);
  // No prototype: a hostile field name such as __proto__ is then an ordinary key.
  const params: Params = Object.create(null) as Params;
  for (let i = 0; i < count; i++) {
    const field = r.string();
    params[field] = readValue(r, field);
  }
  return params;
}

function readValue(r: XdrReader, field: string): ParamValue {
  const type = r.i32();
  switch (type) {
    case 1:
      return r.i32();
    case 2:
      return r.u32();
    case 3:
      return r.i64();
    case 4:
      return r.u64();
    case 5:
      return r.f64();
    case 6:
      return r.bool();
    case 7:
      return r.string();
    default:
      throw new LibvirtProtocolError(`typed parameter "${field}" has unknown type ${type}`);
  }
}

/** Writes typed parameters; whole numbers as 64-bit integers, others as doubles. */
export function writeParams(w: XdrWriter, params: Params, max: number): void {
  w.list(Object.entries(params), max, ([field, value]) => {
    w.string(field);
    if (typeof value === 'string') {
      w.i32(7);
      w.string(value);
    } else if (typeof value === 'boolean') {
      w.i32(6);
      w.bool(value);
    } else if (!Number.isInteger(value)) {
      w.i32(5);
      w.f64(value);
    } else if (value < 0) {
      w.i32(3);
      w.i64(value);
    } else {
      w.i32(4);
      w.u64(value);
    }
  });
}
