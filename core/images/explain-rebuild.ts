import { valuesInImage } from '#core/bundle/values-in-image.ts';
import type { Bundle } from '#core/runtime/bundle.ts';
import type { RuntimeBundling } from '#core/runtime/images.ts';
import type { ProjectConfig } from '#shared/model/project.ts';

type Input = Bundle['inputs'][number];

/** The part of the last build that decides which steps the next one repeats. */
export interface BuildRecord {
  readonly imageId: string;
  readonly bundleId: string;
  readonly fingerprint: string;
  readonly env: Readonly<Record<string, string>>;
  /** The other values of firstlight.json in the image, as JSON. */
  readonly options: string;
  readonly inputs: readonly Input[];
  /** ISO 8601. */
  readonly builtAt: string;
}

/** A sentence on the changes since the last build, for a step that had to be done again. */
export function explainRebuild(
  last: BuildRecord | null,
  bundle: Bundle,
  { options, fingerprint }: Pick<BuildRecord, 'options' | 'fingerprint'>,
): string {
  if (last === null) return 'first build of this project';
  const changed = changedInputs(last.inputs, bundle.inputs);
  if (changed.length > 0) return `rebuilt because ${list(changed)}`;
  if (JSON.stringify(last.env) !== JSON.stringify(bundle.config.env)) {
    return 'rebuilt because env in firstlight.json changed';
  }
  if (last.options !== options) return 'rebuilt because the options of its runtime in firstlight.json changed';
  if (last.fingerprint !== fingerprint) return 'rebuilt because the runtime changed';
  if (last.bundleId !== bundle.id) return 'rebuilt because the bundler or its settings changed';
  return 'rebuilt because the image was not there any more';
}

/** The configuration in an image, without name and env. Shape: JSON. */
export const optionsOf = (config: ProjectConfig, bundling: Pick<RuntimeBundling, 'optionsInImage'>): string =>
  JSON.stringify(valuesInImage(config, bundling).slice(2));

/** A sentence with the reason why nothing had to be done. */
export function explainReuse(last: BuildRecord | null, imageId: string, createdAt: string): string {
  const time = clockTime(new Date(last?.imageId === imageId ? last.builtAt : createdAt));
  return last?.imageId === imageId
    ? `reused: nothing changed since ${time}`
    : `reused: the same source was built at ${time}`;
}

function changedInputs(before: readonly Input[], after: readonly Input[]): string[] {
  const old = new Map(before.map((input) => [input.path, input.sha256]));
  const now = new Set(after.map((input) => input.path));
  return [
    ...after.filter((input) => old.has(input.path) && old.get(input.path) !== input.sha256).map(said('changed')),
    ...after.filter((input) => !old.has(input.path)).map(said('was added')),
    ...before.filter((input) => !now.has(input.path)).map(said('is no longer used')),
  ];
}

const said = (what: string) => (input: Input) => `${input.path} ${what}`;

function list(items: readonly string[]): string {
  const shown = items.slice(0, 3);
  const more = items.length - shown.length;
  if (more > 0) return `${shown.join(', ')} and ${more} more`;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

function clockTime(at: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');
  return at.toDateString() === new Date().toDateString()
    ? time
    : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}
