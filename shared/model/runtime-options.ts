/** A runtime's own section of `firstlight.json`, which has the runtime's id as its key. */
import { z } from 'zod';
import { type Json, jsonSchema } from './json.ts';

/** A group of options, as a form shows them together. */
export const optionGroupSchema = z.object({
  /** An existing group of the form (`network`), or a new one. */
  id: z.string(),
  title: z.string(),
  /** A note on the common purpose of the options. */
  note: z.string().optional(),
  /**
   * Paths of options inside the section. A group with one path shows the options inside that one.
   * Shape: keys joined by dots.
   */
  paths: z.array(z.string()),
});
export type OptionGroup = z.output<typeof optionGroupSchema>;

/** A runtime's declaration of its section. */
export interface RuntimeOptions {
  readonly schema: z.ZodObject;
  readonly groups: readonly OptionGroup[];
  /** True when older files have the keys of a program (`program`, `port`, …) in this section. */
  readonly hadProgramKeys: boolean;
}

/** The same as data, as the engine sends it to a client. */
export const runtimeOptionsSchema = z.object({
  /** JSON Schema, as `writeOptionsSchema` makes it. */
  schema: jsonSchema,
  groups: z.array(optionGroupSchema),
  hadProgramKeys: z.boolean(),
});
export type RuntimeOptionsInfo = z.output<typeof runtimeOptionsSchema>;

/** The parts of a runtime on which the schema of `firstlight.json` depends. */
export interface RuntimeSection {
  readonly id: string;
  readonly options?: RuntimeOptions | undefined;
}

/** The sections of runtimes that the engine described. */
export const readRuntimeSections = (
  infos: readonly { readonly id: string; readonly options: RuntimeOptionsInfo | null }[],
): RuntimeSection[] =>
  infos.map(({ id, options }) => ({
    id,
    options: options === null ? undefined : { ...options, schema: readOptionsSchema(options.schema) },
  }));

/** The schema as data. Shape: JSON Schema; `wanted` has the text of a rule that no keyword of JSON Schema expresses. */
export function writeOptionsSchema(schema: z.ZodType): Json {
  return z.toJSONSchema(schema, {
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      const wanted = wordsOf(zodSchema);
      if (wanted !== undefined) jsonSchema.wanted = wanted;
    },
  }) as Json;
}

type ErrorWords = (issue: unknown) => string | { readonly message: string } | null | undefined;

/** The text given to a schema or one of its rules. */
function wordsOf({ _zod: { def } }: z.core.$ZodType): string | undefined {
  const errors = [...(def.checks ?? []).map((check) => check._zod.def.error), def.error];
  const error = errors.find((entry) => entry !== undefined) as ErrorWords | undefined;
  const words = error?.({ code: 'custom' });
  return typeof words === 'string' ? words : words?.message;
}

interface JsonSchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly wanted?: string;
  readonly default?: Json;
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly anyOf?: readonly JsonSchemaNode[];
  readonly oneOf?: readonly JsonSchemaNode[];
  readonly items?: JsonSchemaNode;
  readonly properties?: Readonly<Record<string, JsonSchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchemaNode | false;
}

/** The schema that `writeOptionsSchema` wrote. A part with keywords that are not read here allows any JSON. */
export function readOptionsSchema(json: Json): z.ZodObject {
  const schema = bareSchema(json as JsonSchemaNode);
  return schema instanceof z.ZodObject ? schema : z.strictObject({});
}

function toSchema(node: JsonSchemaNode, isRequired: boolean): z.ZodType {
  const bare = bareSchema(node);
  const schema = node.default !== undefined ? bare.default(node.default as never) : isRequired ? bare : bare.optional();
  return node.description === undefined ? schema : schema.describe(node.description);
}

function bareSchema(node: JsonSchemaNode): z.ZodType {
  if (node.const !== undefined) return z.literal(node.const);
  if (node.enum !== undefined) return z.enum(node.enum as [string, ...string[]]);
  if (node.oneOf !== undefined) return z.discriminatedUnion(discriminatorOf(node.oneOf), objectsOf(node.oneOf));
  if (node.anyOf !== undefined) return z.union(node.anyOf.map(bareSchema));
  switch (node.type) {
    case 'boolean':
      return z.boolean();
    case 'integer':
    case 'number':
      return numberSchema(node);
    case 'string':
      return stringSchema(node);
    case 'array':
      return z.array(bareSchema(node.items ?? {}));
    case 'object':
      return objectSchema(node);
    default:
      return jsonSchema;
  }
}

function numberSchema({ type, minimum, maximum }: JsonSchemaNode): z.ZodType {
  let schema = type === 'integer' ? z.number().int() : z.number();
  if (minimum !== undefined) schema = schema.min(minimum);
  if (maximum !== undefined) schema = schema.max(maximum);
  return schema;
}

function stringSchema({ pattern, format, minLength, maxLength, wanted }: JsonSchemaNode): z.ZodType {
  if (format === 'ipv4') return z.ipv4(wanted);
  let schema = z.string();
  if (minLength !== undefined) schema = schema.min(minLength, wanted);
  if (maxLength !== undefined) schema = schema.max(maxLength, wanted);
  if (pattern !== undefined) schema = schema.regex(new RegExp(pattern), wanted);
  return schema;
}

function objectSchema({ properties, required = [], additionalProperties }: JsonSchemaNode): z.ZodType {
  if (properties === undefined) return z.record(z.string(), bareSchema(additionalProperties || {}));
  const entries = Object.entries(properties).map(
    ([key, node]) => [key, toSchema(node, required.includes(key))] as const,
  );
  return z.strictObject(Object.fromEntries(entries));
}

const objectsOf = (nodes: readonly JsonSchemaNode[]) => nodes.map(bareSchema) as [z.ZodObject, ...z.ZodObject[]];

/** The key whose constant identifies the variant. */
const discriminatorOf = ([first]: readonly JsonSchemaNode[]): string =>
  Object.entries(first?.properties ?? {}).find(([, { const: value }]) => value !== undefined)?.[0] ?? 'kind';
