/** The keys that firstlight.json had under `nanos` before every runtime that runs programs shared them. */
import { z } from 'zod';
import { nanosConfigSchema } from './nanos.ts';
import { type ProgramKey, programKeys, programShape } from './program.ts';

/** The section `nanos` as older files have it too. The keys that have moved are marked as deprecated, for editors. */
export const nanosFileSchema = z.strictObject({
  ...nanosConfigSchema.shape,
  ...(Object.fromEntries(programKeys.map((key) => [key, movedSchema(key)])) as Record<ProgramKey, z.ZodType>),
});

function movedSchema(key: ProgramKey): z.ZodType {
  const schema = programShape[key];
  const given = schema instanceof z.ZodDefault ? schema.unwrap() : schema;
  return given.optional().meta({ deprecated: true, description: `Has moved: write "${key}" at the top level.` });
}

/**
 * A configuration with the keys of an older file in their present places. A key that is there already stays as it is.
 * On a runtime that runs no programs the old keys had no effect, and are left out. So is a section with nothing in it.
 */
export function moveProgramKeys(value: unknown, runsPrograms: (runtime: unknown) => boolean): unknown {
  if (!isObject(value) || !isObject(value.nanos)) return value;
  const moved = Object.entries(value.nanos).filter(([key]) => isProgramKey(key));
  const left = Object.entries(value.nanos).filter(([key]) => !isProgramKey(key));
  const { nanos: _, ...rest } = value;
  return {
    ...(runsPrograms(value.runtime) && Object.fromEntries(moved)),
    ...rest,
    ...(left.length > 0 && { nanos: Object.fromEntries(left) }),
  };
}

const isProgramKey = (key: string) => (programKeys as readonly string[]).includes(key);
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
