import { configFileSchemaFor, type RuntimeId } from '#shared/model/project.ts';
import { type Field, fieldsOf } from './fields.ts';

export interface Section {
  readonly id: string;
  readonly title: string;
  /** What the options of it have in common, where that is not plain. */
  readonly note?: string;
  readonly fields: readonly Field[];
}

/** Which options stand where: each by its path, or by the path of what it is part of. The schema says the rest. */
const places: readonly (Omit<Section, 'fields'> & { readonly paths: readonly string[] })[] = [
  {
    id: 'function',
    title: 'Function',
    paths: ['name', 'entry', 'runtime', 'convention', 'memoryMiB', 'vcpus', 'timeoutMs', 'env'],
  },
  {
    id: 'program',
    title: 'Program',
    note: 'At most one of program, python, package and image says what runs. With none of them it is the function, on Node.js.',
    paths: ['program', 'args', 'files', 'python', 'package', 'image', 'node'],
  },
  {
    id: 'network',
    title: 'Network',
    paths: ['port', 'hostPort', 'ports', 'nanos.network', 'nanos.address', 'nanos.options.exec_wait_for_ip4_secs'],
  },
  { id: 'volumes', title: 'Volumes', paths: ['volumes'] },
  { id: 'kernel', title: 'Kernel, klibs', paths: ['nanos.release', 'nanos.klibs', 'nanos.boot'] },
  { id: 'diagnostics', title: 'Diagnostics', paths: ['nanos.debug'] },
  {
    id: 'tuple',
    title: 'Root tuple',
    note: 'Options of Nanos itself, by its own names: they are written into the image, for the kernel to read.',
    paths: ['nanos.options'],
  },
];

/** Groups whose options stand by themselves: the group's own name says nothing more. */
const dissolved = new Set(['nanos', 'nanos.debug', 'nanos.options']);

/** Every option of firstlight.json in its section, with these runtimes to choose from. One that has no place yet comes last. */
export function makeSections(runtimes: readonly RuntimeId[]): readonly Section[] {
  const fields = fieldsOf(configFileSchemaFor(runtimes)).flatMap(dissolve);
  const isAt = (field: Field, place: string) => {
    const path = field.path.join('.');
    return path === place || path.startsWith(`${place}.`);
  };
  const taken = new Set<Field>();
  // The more exact place wins: an option of the root tuple may stand elsewhere.
  const homeOf = (field: Field) =>
    places
      .flatMap(({ id, paths }) => paths.filter((path) => isAt(field, path)).map((path) => ({ id, path })))
      .sort((a, b) => b.path.length - a.path.length)[0]?.id;
  const sections = places.map(({ paths, ...section }) => {
    const own = fields.filter((field) => homeOf(field) === section.id);
    for (const field of own) taken.add(field);
    const rank = (field: Field) => paths.findIndex((path) => isAt(field, path));
    return { ...section, fields: [...own].sort((a, b) => rank(a) - rank(b)) };
  });
  const rest = fields.filter((field) => !taken.has(field) && field.name !== '$schema');
  return rest.length === 0 ? sections : [...sections, { id: 'other', title: 'Other', fields: rest }];
}

function dissolve(field: Field): readonly Field[] {
  if (!dissolved.has(field.path.join('.')) || field.shape.kind !== 'group') return [field];
  return field.shape.fields.flatMap(dissolve);
}

/** Whether a field, or one of what it holds, has the letters that are searched for. */
export function matches(field: Field, query: string): boolean {
  const wanted = query.trim().toLowerCase();
  if (wanted === '' || `${field.path.join('.')} ${field.doc}`.toLowerCase().includes(wanted)) return true;
  const { shape } = field;
  if (shape.kind === 'group') return shape.fields.some((inner) => matches(inner, wanted));
  if (shape.kind === 'entries') return matches(shape.entry, wanted);
  return (
    shape.kind === 'variants' && shape.variants.some(({ fields }) => fields.some((inner) => matches(inner, wanted)))
  );
}
