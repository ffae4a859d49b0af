/** The calls `imports:*`: look at a source, and make a project of it. */
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseConfig } from '#core/config/parse-config.ts';
import { withFormatErrors } from '#core/store/from-format-error.ts';
import type { CallContext, CallHandlers } from '#shared/contract/index.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { ImportProposal } from '#shared/model/import.ts';
import { configFileName, configFileSchema, type Project } from '#shared/model/project.ts';
import type { ProjectId } from '#shared/model/units.ts';
import type { Layout } from '../store/layout.ts';
import { toFileError } from '../store/store-error.ts';
import { tempPathFor, undefinedIfMissing } from '../store/write-atomic.ts';
import { examineElf } from './examine-elf.ts';
import { examineOciImage } from './examine-oci-image.ts';
import { examineOpsConfig, examineOpsPackage } from './examine-ops.ts';
import { type Examined, toProjectName } from './examined.ts';
import { createImportRuntimes, type ImportRuntime } from './import-runtimes.ts';
import { recogniseSource } from './recognise-source.ts';

type ImportCallName = Extract<keyof CallHandlers, `imports:${string}`>;

export interface ImportCallsOptions {
  readonly layout: Layout;
  /** The schema for an editor of the project's firstlight.json. */
  readonly schemaPath: string;
  readonly runtimes: readonly ImportRuntime[];
  /** The environment in which credentials of registries are looked up. */
  readonly env: NodeJS.ProcessEnv;
  readonly getProject: (id: ProjectId) => Promise<Project>;
  /** Opens the project that was made, trusted if all that it asks for lies under `sources`; absent: in any case. */
  readonly openProject: (dir: string, sources?: readonly string[]) => Promise<Project>;
}

const schemaPathInProject = '.firstlight/schema.json';
/** A program of many files takes tens of seconds to start where there is no KVM: Python's web server 19 s on a busy machine. */
const timeoutMs = 60_000;

interface Proposed {
  readonly proposal: ImportProposal;
  readonly examined: Examined;
}

/** The input that both calls share. */
interface Asked {
  readonly source: string;
  readonly cwd?: string | undefined;
  readonly program?: string | undefined;
}

export function importCalls(options: ImportCallsOptions): Pick<CallHandlers, ImportCallName> {
  const { layout, schemaPath, runtimes, env, getProject, openProject } = options;
  const targets = createImportRuntimes(runtimes);

  const propose = (asked: Asked, context: CallContext): Promise<Proposed> =>
    withFormatErrors(() => look(asked, context));

  async function look({ source: text, cwd, program }: Asked, context: CallContext): Promise<Proposed> {
    const { signal, progress } = context;
    progress({ step: 'examine', message: `Looking at ${text}` });
    const source = await recogniseSource(text, cwd ?? null, signal);
    const examined = await examine();
    const name = toProjectName(examined.title);
    const config = configText(name, examined);
    const { found } = examined;
    const own = parseConfig(config, runtimes).problems.filter(({ severity }) => severity === 'error');
    // The source's own problems need not be repeated for the file made from it.
    const problems = found.problems.some(({ severity }) => severity === 'error')
      ? found.problems
      : [...found.problems, ...own];
    const canCreate = found.program !== null && problems.every(({ severity }) => severity !== 'error');
    return { proposal: { ...found, name, config, problems, canCreate }, examined };

    async function examine(): Promise<Examined> {
      if (source.kind === 'oci-image') {
        return examineOciImage(source.reference, targets.ofPrograms(), {
          layout,
          env,
          cwd: cwd ?? '/',
          signal,
          progress,
        });
      }
      if (source.kind === 'elf') return examineElf(source.path, targets.ofPrograms());
      return source.kind === 'ops-config'
        ? examineOpsConfig(source.path, targets, program === undefined ? undefined : resolve(cwd ?? '/', program))
        : examineOpsPackage(source.path, targets.ofPrograms(), { layout, signal });
    }
  }

  return {
    'imports:examine': async (asked, context) => (await propose(asked, context)).proposal,

    'imports:create': async ({ source, cwd, program, name: chosen, dir, digest }, context) => {
      const { proposal, examined } = await propose({ source, cwd, program }, context);
      if (digest !== undefined && digest !== proposal.digest) {
        throw new FirstlightError('CONFLICT', `${source} is not what it was when it was looked at.`, {
          hint: 'Look at it again, then import it.',
        });
      }
      if (!proposal.canCreate) throw unfit(proposal);
      const name = chosen ?? proposal.name;
      if (!configFileSchema.shape.name.safeParse(name).success) {
        throw new FirstlightError('BAD_INPUT', `"${name}" is not a name for a project.`, {
          hint: 'Use lower-case letters, digits and dashes, at most 48 characters.',
        });
      }
      const target = resolve(cwd ?? '/', dir ?? join(layout.projectsDir, name));
      const files = { ...examined.extraFiles, [configFileName]: configText(name, examined) };
      await writeProject(target, files, schemaPath);
      // A foreign ops configuration may name any file of this machine.
      if (proposal.kind !== 'ops-config') return openProject(target);
      const given = resolve(cwd ?? '/', source);
      return openProject(target, [dirname(given), ...(program === undefined ? [] : [resolve(cwd ?? '/', program)])]);
    },

    'imports:toOps': async ({ projectId }) => {
      const project = await getProject(projectId);
      const { config, notes } = (await targets.writerOf(project)).write(project);
      return { config: `${JSON.stringify(config, null, 2)}\n`, notes: [...notes] };
    },
  };
}

const configText = (name: string, { config }: Examined) =>
  `${JSON.stringify({ $schema: `./${schemaPathInProject}`, name, ...config, timeoutMs }, null, 2)}\n`;

function unfit({ source, problems, warnings }: ImportProposal): FirstlightError {
  const [first] = warnings;
  return new FirstlightError(
    'BAD_INPUT',
    `No project can be made of ${source}${first && problems.length === 0 ? `: ${first.message}` : '.'}`,
    {
      hint: first?.hint ?? undefined,
      details: { problems, subject: source },
    },
  );
}

/**
 * Makes the folder of a project: it appears whole, or not at all. Errors: ALREADY_EXISTS, DISK_FULL, STORE_UNUSABLE.
 */
async function writeProject(dir: string, files: Readonly<Record<string, string>>, schemaPath: string): Promise<void> {
  const temp = tempPathFor(dir);
  try {
    const there = await stat(dir).catch(undefinedIfMissing);
    if (there !== undefined && !there.isDirectory()) throw alreadyExists(dir, 'is a file');
    if (there !== undefined && (await readdir(dir)).length > 0) throw alreadyExists(dir, 'holds files already');
    await mkdir(dirname(dir), { recursive: true });
    await mkdir(join(temp, dirname(schemaPathInProject)), { recursive: true });
    await writeFile(join(temp, schemaPathInProject), await readFile(schemaPath));
    for (const [path, text] of Object.entries(files)) await writeFile(join(temp, path), text);
    await rename(temp, dir);
  } catch (thrown) {
    await rm(temp, { recursive: true, force: true });
    throw toFileError(thrown, 'create the project in', dir);
  }
}

const alreadyExists = (dir: string, why: string) =>
  new FirstlightError('ALREADY_EXISTS', `${dir} ${why}.`, {
    hint: 'Choose another folder or name.',
    details: { subject: dir },
  });
