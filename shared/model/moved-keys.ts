/** The keys of a program in their former place: the section of a runtime. */
import { z } from 'zod';
import { type ProgramKey, programKeys, programShape } from './program.ts';

/** A runtime's section as older files have it too. The keys that have moved are marked as deprecated, for editors. */
export const withFormerKeys = (section: z.ZodObject): z.ZodObject =>
  z.strictObject({
    ...section.shape,
    ...(Object.fromEntries(programKeys.map((key) => [key, movedSchema(key)])) as Record<ProgramKey, z.ZodType>),
  });

function movedSchema(key: ProgramKey): z.ZodType {
  const schema = programShape[key];
  const given = schema instanceof z.ZodDefault ? schema.unwrap() : schema;
  return given.optional().meta({ deprecated: true, description: `Has moved: write "${key}" at the top level.` });
}

/**
 * A configuration with the keys of an older file in their present places. An already present key is unchanged.
 * On a runtime that runs no programs the old keys had no effect, and are left out. Empty sections are left out too.
 * Shape: `sections` are the keys of the runtimes' sections that had them.
 */
export function moveProgramKeys(
  value: unknown,
  sections: readonly string[],
  runsPrograms: (runtime: unknown) => boolean,
): unknown {
  return sections.reduce((moved, section) => moveFrom(moved, section, runsPrograms), value);
}

function moveFrom(value: unknown, name: string, runsPrograms: (runtime: unknown) => boolean): unknown {
  if (!isObject(value)) return value;
  const { [name]: section, ...rest } = value;
  if (!isObject(section)) return value;
  const moved = Object.entries(section).filter(([key]) => isProgramKey(key));
  const left = Object.entries(section).filter(([key]) => !isProgramKey(key));
  return {
    ...(runsPrograms(value.runtime) && Object.fromEntries(moved)),
    ...rest,
    ...(left.length > 0 && { [name]: Object.fromEntries(left) }),
  };
}

const isProgramKey = (key: string) => (programKeys as readonly string[]).includes(key);
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
