/** Derives the options form from the schema of firstlight.json: each option with its text, default and kind. */
import { z } from 'zod';
import { wantedWords } from '#shared/model/config-words.ts';
import type { Json } from '#shared/model/json.ts';

/** The kind of an option's value, as far as a form distinguishes kinds. */
export type FieldShape =
  | { readonly kind: 'switch' }
  | { readonly kind: 'choice'; readonly values: readonly string[] }
  | { readonly kind: 'text' }
  | { readonly kind: 'number' }
  /** Text or another kind: the input is read as the kind that the schema accepts. */
  | { readonly kind: 'value' }
  /** A list of texts. */
  | { readonly kind: 'list'; readonly item: z.ZodType }
  | { readonly kind: 'group'; readonly fields: readonly Field[] }
  /** An object of one of several kinds, which its key `by` distinguishes. */
  | { readonly kind: 'variants'; readonly by: string; readonly variants: readonly Variant[] }
  /** Any number of entries. Shape: `key` is present when each entry has a name; an entry is a text or an object. */
  | { readonly kind: 'entries'; readonly key: z.ZodType | null; readonly entry: Field };

export interface Variant {
  readonly value: string;
  readonly fields: readonly Field[];
}

/** One option. Shape: `path` from the whole file on; for options in an entry, from that entry on. */
export interface Field {
  readonly path: readonly string[];
  readonly name: string;
  readonly doc: string;
  readonly shape: FieldShape;
  /** The default value; undefined when it depends on other options. */
  readonly initial: Json | undefined;
  /** True when it is required in its parent. */
  readonly required: boolean;
  readonly schema: z.ZodType;
}

/** The fields of an object's schema, in its order. */
export function fieldsOf(schema: z.ZodType, path: readonly string[] = []): readonly Field[] {
  const inner = bare(schema);
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape).map(([name, entry]) => fieldOf(entry as z.ZodType, [...path, name]));
}

function fieldOf(schema: z.ZodType, path: readonly string[]): Field {
  return {
    path,
    name: path.at(-1) ?? '',
    doc: schema.description ?? '',
    shape: shapeOf(schema, path),
    initial: initialOf(schema),
    required: !schema.safeParse(undefined).success,
    schema,
  };
}

function shapeOf(schema: z.ZodType, path: readonly string[]): FieldShape {
  const inner = bare(schema);
  if (allowsNull(schema)) return { kind: 'value' };
  if (inner instanceof z.ZodBoolean) return { kind: 'switch' };
  if (inner instanceof z.ZodNumber) return { kind: 'number' };
  if (inner instanceof z.ZodEnum) return { kind: 'choice', values: inner.options.map(String) };
  if (inner instanceof z.ZodObject) return { kind: 'group', fields: fieldsOf(inner, path) };
  if (inner instanceof z.ZodDiscriminatedUnion) return variantsOf(inner, path);
  if (inner instanceof z.ZodArray) {
    const item = inner.element as z.ZodType;
    return bare(item) instanceof z.ZodObject
      ? { kind: 'entries', key: null, entry: fieldOf(item, []) }
      : { kind: 'list', item };
  }
  if (inner instanceof z.ZodRecord) {
    return { kind: 'entries', key: inner.keyType as z.ZodType, entry: fieldOf(inner.valueType as z.ZodType, []) };
  }
  return inner instanceof z.ZodString || inner instanceof z.ZodIPv4 ? { kind: 'text' } : { kind: 'value' };
}

function variantsOf(union: z.ZodDiscriminatedUnion, path: readonly string[]): FieldShape {
  const by = union.def.discriminator;
  const variants = union.options.flatMap((option) => {
    const fields = fieldsOf(option as z.ZodType, path);
    const discriminator = fields.find((field) => field.name === by);
    const literal = discriminator === undefined ? undefined : bare(discriminator.schema);
    if (!(literal instanceof z.ZodLiteral)) return [];
    return [{ value: String(literal.value), fields: fields.filter((field) => field !== discriminator) }];
  });
  return { kind: 'variants', by, variants };
}

/** A schema without its wrappers for optional values. */
function bare(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodNullable) {
    inner = inner.unwrap() as z.ZodType;
  }
  return inner;
}

const allowsNull = (schema: z.ZodType): boolean => schema.safeParse(null).success;

function initialOf(schema: z.ZodType): Json | undefined {
  const parsed = schema.safeParse(undefined);
  return parsed.success ? (parsed.data as Json | undefined) : undefined;
}

/** The problem of a value, in the schema's words; null when there is none. */
export function problemOf(schema: z.ZodType, value: unknown): string | null {
  const parsed = schema.safeParse(value);
  const issue = parsed.error?.issues[0];
  return issue === undefined ? null : wordsOf(issue);
}

/** An issue as a complete sentence. */
export function wordsOf(issue: z.core.$ZodIssue): string {
  const words = wantedWords(issue);
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`;
}

/**
 * A person's input for a field, as a value of firstlight.json. An empty input removes the option.
 *
 * Errors: `problem` has the expectation, in the schema's words; the value is then not valid.
 */
export function readTyped(
  field: Field,
  typed: string,
): { readonly value: Json | undefined; readonly problem: string | null } {
  const text = typed.trim();
  if (text === '') {
    const isText = field.required && field.shape.kind === 'text';
    return { value: isText ? '' : undefined, problem: isText ? problemOf(field.schema, '') : null };
  }
  const candidates = candidatesOf(field.shape.kind, text);
  for (const value of candidates) if (field.schema.safeParse(value).success) return { value, problem: null };
  return { value: undefined, problem: problemOf(field.schema, candidates[0]) };
}

/** The possible values of a text, the likeliest first: a problem is reported for that one. */
function candidatesOf(kind: FieldShape['kind'], text: string): readonly Json[] {
  if (kind === 'number') return [Number.isNaN(Number(text)) ? text : Number(text)];
  if (kind !== 'value') return [text];
  const parts = text.split(/[\s,]+/).filter((part) => part !== '');
  const parsed = parseJson(text);
  return [...(parsed === undefined ? [] : [parsed]), text, parts, parts.map(Number)];
}

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A value in the form in which a person types it. */
export function typedOf(value: Json | undefined): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.map(typedOf).join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
