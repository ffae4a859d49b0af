import { configFileSchemaFor } from '#shared/model/project.ts';
import type { RuntimeSection } from '#shared/model/runtime-options.ts';
import { type Field, fieldsOf } from './fields.ts';

export interface Section {
  readonly id: string;
  readonly title: string;
  /** The common purpose of its options, where it is not obvious. */
  readonly note?: string;
  readonly fields: readonly Field[];
}

type Place = Omit<Section, 'fields'> & { readonly paths: readonly string[] };

/** The options that all runtimes share, each by its path. The schema has the rest. */
const sharedPlaces: readonly Place[] = [
  {
    id: 'function',
    title: 'Function',
    paths: ['name', 'entry', 'runtime', 'convention', 'memoryMiB', 'vcpus', 'timeoutMs', 'env', 'args'],
  },
  {
    id: 'program',
    title: 'Program',
    note: 'At most one of program, python, package and image says what runs. With none of them it is the function, on Node.js.',
    paths: ['program', 'files', 'python', 'package', 'image', 'node'],
  },
  { id: 'network', title: 'Network', paths: ['port', 'hostPort', 'ports'] },
  { id: 'volumes', title: 'Volumes', paths: ['volumes'] },
  { id: 'deploy', title: 'Deploy', note: 'How it runs on a cluster.', paths: ['deploy'] },
];

/** The places of all options: a runtime's groups join those of the same id, or follow. */
function placesOf(runtimes: readonly RuntimeSection[]): readonly Place[] {
  const own = runtimes.flatMap(({ id: runtime, options }) =>
    (options?.groups ?? []).map((group) => ({ ...group, paths: group.paths.map((path) => `${runtime}.${path}`) })),
  );
  const places = [...sharedPlaces];
  for (const { note, ...group } of own) {
    const index = places.findIndex(({ id }) => id === group.id);
    const place = places[index];
    if (place === undefined) places.push({ ...group, ...(note !== undefined && { note }) });
    else places[index] = { ...place, paths: [...place.paths, ...group.paths] };
  }
  return places;
}

/** The groups whose members are listed separately: each runtime's section, and groups with an own place. */
function dissolvedGroups(runtimes: readonly RuntimeSection[]): ReadonlySet<string> {
  const alone = runtimes.flatMap(({ id, options }) =>
    (options?.groups ?? []).flatMap(({ paths }) => (paths.length === 1 ? [`${id}.${paths[0]}`] : [])),
  );
  return new Set([...runtimes.map(({ id }) => id), ...alone]);
}

/** Every option of firstlight.json in its section, with a choice of these runtimes. One without a place comes last. */
export function makeSections(runtimes: readonly RuntimeSection[]): readonly Section[] {
  const places = placesOf(runtimes);
  const dissolved = dissolvedGroups(runtimes);
  const dissolve = (field: Field): readonly Field[] => {
    if (!dissolved.has(field.path.join('.')) || field.shape.kind !== 'group') return [field];
    return field.shape.fields.flatMap(dissolve);
  };
  const fields = fieldsOf(configFileSchemaFor(runtimes)).flatMap(dissolve);
  const isAt = (field: Field, place: string) => {
    const path = field.path.join('.');
    return path === place || path.startsWith(`${place}.`);
  };
  const taken = new Set<Field>();
  // The more exact place wins: a member of a group may be listed elsewhere.
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

/** Whether a field, or a field inside it, matches the search. */
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
