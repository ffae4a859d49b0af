import type { Json } from '#shared/model/json.ts';
import { sha256 } from './digest.ts';

/** The sha256, in hex, of a JSON value, independent of the order of its keys. */
export function digestJson(value: Json): string {
  return sha256(JSON.stringify(value, sortKeys));
}

const sortKeys = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
