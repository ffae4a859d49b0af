import { expect, it } from 'vitest';
import { z } from 'zod';
import { wantedWords } from './config-words.ts';
import { readOptionsSchema, writeOptionsSchema } from './runtime-options.ts';

const symbol = z.string().regex(/^[a-z_]+$/, 'a name of letters');
const schema = z.strictObject({
  name: symbol.optional().describe('The name.'),
  level: z.enum(['err', 'info']).default('err').describe('How much.'),
  size: z.number().int().min(4).max(9).optional(),
  address: z.ipv4('an IPv4 address').optional(),
  tags: z.array(symbol).default([]),
  trace: z.union([z.boolean(), z.array(symbol)]).optional(),
  text: z.string().min(1).max(3).optional(),
  names: z.record(z.string(), z.string()).optional(),
  link: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('user') }),
      z.strictObject({ kind: z.literal('bridge'), name: symbol.describe('Of the bridge.') }),
    ])
    .default({ kind: 'user' }),
});
const read = readOptionsSchema(JSON.parse(JSON.stringify(writeOptionsSchema(schema))));

it.each<[string, object]>([
  ['nothing', {}],
  ['each kind of value', { name: 'a_b', level: 'info', size: 5, address: '10.0.0.1', tags: ['a'], trace: ['b'] }],
  ['a variant', { link: { kind: 'bridge', name: 'br' }, names: { a: 'b' }, trace: true, text: 'abc' }],
])('a schema that went over the contract takes %s as before', (_, value) => {
  expect(read.parse(value)).toEqual(schema.parse(value));
});

it.each<[string, object]>([
  ['a key that is not there', { other: 1 }],
  ['a rule with words of its own', { name: 'A' }],
  ['a choice', { level: 'all' }],
  ['a range', { size: 3 }],
  ['no whole number', { size: 4.5 }],
  ['an address', { address: 'x' }],
  ['a list', { tags: 'a' }],
  ['several kinds', { trace: 3 }],
  ['an empty text', { text: '' }],
  ['a variant that is not there', { link: { kind: 'wifi' } }],
  ['a variant without its key', { link: { kind: 'bridge' } }],
])('and refuses %s at the same place in the same words', (_, value) => {
  const issues = (of: z.ZodType) =>
    of.safeParse(value).error?.issues.map((issue) => [issue.path.join('.'), wantedWords(issue)]);
  expect(issues(read)?.length).toBeGreaterThan(0);
  expect(issues(read)).toEqual(issues(schema));
});

it('keeps descriptions and defaults', () => {
  expect(read.shape.name.description).toBe('The name.');
  expect(read.shape.level.description).toBe('How much.');
});
