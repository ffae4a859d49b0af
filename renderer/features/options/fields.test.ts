import { expect, it } from 'vitest';
import { z } from 'zod';
import { configFileSchemaFor } from '#shared/model/project.ts';
import { readRuntimeSections } from '#shared/model/runtime-options.ts';
import { fakeRuntimes } from '../../../test/fixtures/fake-data.ts';
import { type Field, fieldsOf, problemOf, readTyped, typedOf } from './fields.ts';
import { makeSections, matches } from './sections.ts';

/** The fields as a window has them: from the engine's descriptions. */
const runtimes = readRuntimeSections(fakeRuntimes);
const all = fieldsOf(configFileSchemaFor(runtimes));
const walk = (fields: readonly Field[]): readonly Field[] =>
  fields.flatMap((field) => {
    const { shape } = field;
    const below =
      shape.kind === 'group'
        ? shape.fields
        : shape.kind === 'variants'
          ? shape.variants.flatMap((variant) => variant.fields)
          : shape.kind === 'entries'
            ? [shape.entry]
            : [];
    return [field, ...walk(below)];
  });
const find = (path: string): Field => {
  const found = walk(all).find((field) => field.path.join('.') === path);
  if (found === undefined) throw new Error(`There is an option ${path}.`);
  return found;
};

it('tells kinds apart, with each default', () => {
  expect(find('runtime')).toMatchObject({
    shape: { kind: 'choice', values: ['ember', 'nanos', 'kernel'] },
    required: false,
  });
  expect(find('vcpus')).toMatchObject({ shape: { kind: 'number' }, initial: 1, required: false });
  expect(find('name')).toMatchObject({ shape: { kind: 'text' }, required: true });
  expect(find('nanos.debug.strace')).toMatchObject({ shape: { kind: 'switch' }, initial: false });
  expect(find('nanos.options.noaslr')).toMatchObject({ shape: { kind: 'switch' }, initial: undefined });
  expect(find('nanos.klibs').shape.kind).toBe('list');
  expect(find('port')).toMatchObject({ shape: { kind: 'value' }, initial: 8080 });
  expect(find('nanos.options.reboot_on_exit').shape.kind).toBe('value');
  expect(find('nanos.address').shape.kind).toBe('group');
  expect(find('volumes').shape.kind).toBe('entries');
  const { shape } = find('nanos.network');
  if (shape.kind !== 'variants') throw new Error('The network is of several kinds.');
  expect(shape.variants.map(({ value, fields }) => [value, fields.map(({ name }) => name)])).toEqual([
    ['user', ['outbound']],
    ['network', ['name']],
    ['bridge', ['name']],
    ['none', []],
  ]);
});

it('has words for every option, and a place for each', () => {
  const without = walk(all).filter((field) => field.doc === '' && field.path.length > 0);
  expect(without.map((field) => field.path.join('.'))).toEqual([]);
  const sections = makeSections(runtimes);
  expect(sections.map((section) => section.id)).not.toContain('other');
  for (const section of sections) expect(section.fields.length, section.id).toBeGreaterThan(0);
  const placed = sections.flatMap((section) => section.fields.map((field) => field.path.join('.')));
  expect(new Set(placed).size).toBe(placed.length);
  expect(sections.find((section) => section.id === 'network')?.fields.map((field) => field.name)).toContain(
    'exec_wait_for_ip4_secs',
  );
});

it('reads what is typed as what the schema takes', () => {
  const read = (path: string, typed: string) => readTyped(find(path), typed);
  expect(read('vcpus', ' 4 ')).toEqual({ value: 4, problem: null });
  expect(read('vcpus', '')).toEqual({ value: undefined, problem: null });
  expect(read('port', '3000')).toEqual({ value: 3000, problem: null });
  expect(read('port', 'null')).toEqual({ value: null, problem: null });
  expect(read('nanos.options.reboot_on_exit', 'true')).toEqual({ value: true, problem: null });
  expect(read('nanos.options.reboot_on_exit', '3')).toEqual({ value: '3', problem: null });
  expect(read('nanos.options.reboot_on_exit', '!0')).toEqual({ value: '!0', problem: null });
  expect(read('nanos.options.expected_exit_code', '3, 4')).toEqual({ value: [3, 4], problem: null });
  expect(read('nanos.options.trace', 'pf threadrun')).toEqual({ value: ['pf', 'threadrun'], problem: null });
  expect(read('program', '/bin/true')).toEqual({ value: '/bin/true', problem: null });
});

it('says in the schema’s words what is wrong, and then gives no value', () => {
  const problem = (path: string, typed: string) => readTyped(find(path), typed);
  expect(problem('vcpus', 'many')).toEqual({ value: undefined, problem: 'A number' });
  expect(problem('vcpus', '65')).toEqual({ value: undefined, problem: 'At most 64' });
  expect(problem('hostPort', '0').problem).toBe('At least 1');
  expect(problem('nanos.options.coredumplimit', 'lots').problem).toBe('A size such as 64M');
  expect(problem('name', '').problem).toContain('Lower-case letters');
  expect(problemOf(z.array(z.string()), 'x')).toBe('A list');
});

it('shows a value as a person types it', () => {
  expect([undefined, null, true, 'a', 3, [3, 4], ['a', 'b']].map((value) => typedOf(value))).toEqual([
    '',
    'null',
    'true',
    'a',
    '3',
    '3, 4',
    'a, b',
  ]);
});

it('searches names, places and words, also of what an option holds', () => {
  const found = (query: string) =>
    makeSections(runtimes).flatMap((section) =>
      section.fields.filter((field) => matches(field, query)).map((field) => field.name),
    );
  expect(found('HUGEPAGE')).toEqual(['transparent_hugepage']);
  expect(found('pages of 2 MiB')).toEqual(['transparent_hugepage']);
  expect(found('first address of the network')).toEqual(['address']);
  expect(found('br0')).toEqual(['network']);
  expect(found('mounted in the guest')).toEqual(['volumes']);
});
