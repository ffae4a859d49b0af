import { createHash } from 'node:crypto';
import type { Json } from '#shared/model/json.ts';

/** The sha256, in hex, of a JSON value, whatever the order of its keys. */
export function digestJson(value: Json): string {
  return createHash('sha256').update(JSON.stringify(value, sortKeys)).digest('hex');
}

const sortKeys = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
