import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FirstlightError } from '#shared/errors.ts';
import { configFileName, type RuntimeId } from '#shared/model/project.ts';
import { toFileError } from '../store/store-error.ts';
import { undefinedIfMissing, writeAtomic } from '../store/write-atomic.ts';
import { handlerTypesPath } from './project-types.ts';

export interface Template {
  readonly id: string;
  readonly title: string;
  readonly description: string;
}

/** The order in which a person meets them; others follow by name. */
const order = ['hello', 'json-api', 'multi-file', 'slow-start'];
const schemaPathInProject = '.firstlight/schema.json';

/** The templates in a folder: each is a project whose README describes its subject. */
export async function listTemplates(dir: string): Promise<Template[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  const ids = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const rank = (id: string) => (order.includes(id) ? order.indexOf(id) : order.length);
  ids.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
  return Promise.all(
    ids.map(async (id) => {
      const readme = (await readFile(join(dir, id, 'README.md'), 'utf8').catch(undefinedIfMissing)) ?? '';
      const description = readme.split('\n').find((line) => line.trim() !== '' && !line.startsWith('#')) ?? '';
      return { id, title: titleOf(id), description };
    }),
  );
}

/** A template's id as a heading: `JSON API`. */
const titleOf = (id: string) =>
  id
    .replace(/-/g, ' ')
    .replace(/^./, (letter) => letter.toUpperCase())
    .replace(/\b(api|json|http)\b/gi, (word) => word.toUpperCase());

export interface NewProject {
  readonly templatesDir: string;
  readonly template: string;
  readonly schemaPath: string;
  readonly dir: string;
  readonly name: string;
  /** Null for the runtime that every template is for. */
  readonly runtime: RuntimeId | null;
  /** Declarations of the globals that a handler may use. */
  readonly types: string;
}

/**
 * Fills a folder with a template, under its own name, and with the files that give other editors its types.
 *
 * Errors: NOT_FOUND for the template, ALREADY_EXISTS when the folder contains files, DISK_FULL, STORE_UNUSABLE.
 */
export async function createFromTemplate({
  templatesDir,
  template,
  schemaPath,
  dir,
  name,
  runtime,
  types,
}: NewProject): Promise<void> {
  const known = await listTemplates(templatesDir);
  if (!known.some(({ id }) => id === template)) {
    throw new FirstlightError('NOT_FOUND', `There is no template "${template}".`, {
      hint: `There are: ${known.map(({ id }) => id).join(', ')}.`,
    });
  }
  const present = (await readdir(dir).catch(undefinedIfMissing)) ?? [];
  if (present.length > 0) {
    throw new FirstlightError('ALREADY_EXISTS', `${dir} holds files already.`, {
      hint: 'Choose another folder or name, or open it as it is.',
      details: { subject: dir },
    });
  }
  try {
    await mkdir(join(dir, '.firstlight'), { recursive: true });
    await cp(join(templatesDir, template), dir, { recursive: true });
    const configPath = join(dir, configFileName);
    await writeAtomic(configPath, filledIn(await readFile(configPath, 'utf8'), name, runtime), {
      mode: 0o644,
      foreign: true,
    });
    await writeAtomic(join(dir, schemaPathInProject), await readFile(schemaPath), { mode: 0o644, foreign: true });
    await writeAtomic(join(dir, handlerTypesPath), types, { mode: 0o644, foreign: true });
    await writeAtomic(join(dir, 'tsconfig.json'), tsconfig, { mode: 0o644, foreign: true });
  } catch (thrown) {
    throw toFileError(thrown, 'create the project in', dir);
  }
}

/** A template's configuration as that of a new project; its wording and order stay. */
function filledIn(text: string, name: string, runtime: RuntimeId | null): string {
  const chosen = runtime === null ? '' : `,\n  "runtime": ${JSON.stringify(runtime)}`;
  return text
    .replace(/("name"\s*:\s*)"[^"]*"/, (_, key) => `${key}${JSON.stringify(name)}`)
    .replace(/("entry"\s*:\s*"[^"]*")/, (entry) => `${entry}${chosen}`)
    .replace(/("\$schema"\s*:\s*)"[^"]*"/, (_, key) => `${key}${JSON.stringify(`./${schemaPathInProject}`)}`);
}

const tsconfig = `${JSON.stringify(
  {
    compilerOptions: {
      target: 'es2023',
      lib: ['es2023'],
      types: [],
      module: 'esnext',
      moduleResolution: 'bundler',
      allowImportingTsExtensions: true,
      resolveJsonModule: true,
      noEmit: true,
      strict: true,
    },
    include: ['**/*.ts', '.firstlight/*.d.ts'],
  },
  null,
  2,
)}\n`;
