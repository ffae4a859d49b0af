import { realpath, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type KnownRuntime, parseConfig } from '#core/config/parse-config.ts';
import { isInside, projectIdOf, relativePath, resolveInside } from '#core/config/project-paths.ts';
import type { RuntimeBundling } from '#core/runtime/images.ts';
import type { Resources } from '#core/store/resources.ts';
import type { CallHandlers, EventListener } from '#shared/contract/index.ts';
import { FirstlightError, toFirstlightError, toWireError } from '#shared/errors.ts';
import type { Ask } from '#shared/model/ask.ts';
import { configFileName, configFileSchema, type Project, type RuntimeId } from '#shared/model/project.ts';
import type { ProjectId } from '#shared/model/units.ts';
import type { Layout } from '../store/layout.ts';
import { readRegularFile } from '../store/read-regular-file.ts';
import { systemCode } from '../store/store-error.ts';
import { undefinedIfMissing } from '../store/write-atomic.ts';
import { findAsks } from './find-asks.ts';
import { createOpenProjects } from './open-projects.ts';
import {
  createText,
  deletePath,
  isConfigPath,
  listFiles,
  readText,
  renamePath,
  revisionAt,
  writeText,
} from './project-files.ts';
import { collectTypes, handlerTypesWith } from './project-types.ts';
import { searchFiles } from './search-files.ts';
import { sweepProject } from './sweep-project.ts';
import { createFromTemplate, listTemplates } from './templates.ts';
import { createTrustedFolders } from './trusted-folders.ts';
import { type Watcher, watchProject } from './watch-project.ts';

type ProjectCallName = Extract<keyof CallHandlers, `projects:${string}`>;

/** The projects that are open, on disk and in the stored list. */
export interface ProjectService {
  readonly calls: Pick<CallHandlers, ProjectCallName>;
  /** The open projects, as they are on disk now. */
  readonly list: () => Promise<Project[]>;
  /** Puts a folder on the list. Errors: NOT_FOUND when it is not a folder. */
  readonly open: (dir: string) => Promise<Project>;
  /**
   * As `open`, for a folder that Firstlight itself filled at a person's request: it is trusted from the beginning. With
   * `sources`, only if it asks for no files other than those under them.
   */
  readonly openOwn: (dir: string, sources?: readonly string[]) => Promise<Project>;
  /** The project as it is on disk now. Errors: NOT_FOUND when it is not open or its folder is gone. */
  readonly get: (id: ProjectId) => Promise<Project>;
  /** The files that `get` reads, for a project whose configuration names no other. Some may be absent. */
  readonly sourcesOf: (project: Pick<Project, 'id' | 'dir'>) => readonly string[];
  readonly close: () => Promise<void>;
}

export interface ProjectServiceOptions {
  readonly layout: Layout;
  readonly resources: Pick<Resources, 'templatesDir' | 'schemaPath' | 'nodeTypesPath'>;
  /** The runtimes there are; the first one is the default. */
  readonly runtimes: readonly KnownRuntime[];
  readonly emit: EventListener;
  readonly log?: (line: string) => void;
  /** The inputs that each runtime takes from a project. */
  readonly bundlings: ReadonlyMap<
    RuntimeId,
    { readonly bundling: Pick<RuntimeBundling, 'ownPaths' | 'sharedPaths' | 'networkAsks'> }
  >;
  /** Called when a project leaves the list, so that its warm state can be dropped. */
  readonly onClosed?: (id: ProjectId) => void;
}

/** Far more than a person writes by hand. */
const maxConfigBytes = 1 << 20;

/** Saves in quick succession (a formatter after an editor) are announced once. */
const debounceMs = 30;

/** The calls `projects:*`. Watches a project's folder from the first time its files are listed or read. */
export function createProjectService(options: ProjectServiceOptions): ProjectService {
  const { layout, resources, runtimes, bundlings, emit, log = () => undefined, onClosed = () => undefined } = options;
  const watchers = new Map<ProjectId, Watcher>();
  /** Projects whose folders cannot be watched and whose person was informed. */
  const blind = new Set<ProjectId>();
  const pendingChanges = new Map<string, NodeJS.Timeout>();
  /** The last announced revision of each file: the same content is not announced again. */
  const announcedRevisions = new Map<string, string | null>();
  const announcedProjects = new Map<ProjectId, string>();
  /** The name of a project when its firstlight.json was last valid. */
  const validNames = new Map<ProjectId, string>();
  const openProjects = createOpenProjects(layout, log);
  /** The projects that this process has searched for half-written files. */
  const swept = new Set<ProjectId>();
  /** The runtime with this id, or the default one. */
  const findRuntime = (id: RuntimeId | undefined) =>
    id === undefined ? runtimes[0] : runtimes.find((runtime) => runtime.id === id);
  const trustedFolders = createTrustedFolders(layout, log);

  async function read(dir: string): Promise<Project> {
    const [found, trusted] = await Promise.all([readProject(dir, runtimes), trustedFolders.has(dir)]);
    const bundling = bundlings.get(found.config?.runtime ?? '')?.bundling;
    const asks = found.config === null || bundling === undefined ? [] : await findAsks(dir, found.config, bundling);
    const project = { ...found, trusted, asks };
    if (project.config === null) return { ...project, name: validNames.get(project.id) ?? project.name };
    validNames.set(project.id, project.name);
    return project;
  }

  async function list(): Promise<Project[]> {
    const dirs = await openProjects.list();
    return Promise.all(dirs.map(read));
  }

  async function rootOf(id: ProjectId): Promise<string> {
    const dir = await openProjects.find(id);
    if (dir === undefined) throw new FirstlightError('NOT_FOUND', `No project ${id} is open.`);
    return dir;
  }

  async function get(id: ProjectId): Promise<Project> {
    const dir = await rootOf(id);
    const reading = read(dir);
    reading.catch(() => undefined);
    // Also one that cannot be looked at, such as a link to itself.
    if (!(await stat(dir).catch(() => undefined))?.isDirectory()) {
      throw new FirstlightError('NOT_FOUND', `The folder of the project is gone: ${dir}.`, {
        hint: 'Put it back, or close the project.',
        details: { subject: dir },
      });
    }
    return await reading;
  }

  function announceFile(id: ProjectId, path: string, revision: string | null): void {
    const key = `${id} ${path}`;
    if (announcedRevisions.get(key) === revision) return;
    announcedRevisions.set(key, revision);
    emit('projects:fileChanged', { projectId: id, path, revision });
    if (isConfigPath(path)) void announceProject(id);
  }

  async function announceProject(id: ProjectId): Promise<void> {
    const project = await get(id).catch((thrown: unknown) => log(`Project ${id}: ${String(thrown)}`));
    if (project === undefined) return;
    const text = JSON.stringify(project);
    if (announcedProjects.get(id) === text) return;
    announcedProjects.set(id, text);
    emit('projects:changed', { project });
  }

  function watchOnce(id: ProjectId, root: string): void {
    if (watchers.has(id)) return;
    const look = async (path: string) => {
      const relative = relativePath(root, path);
      announceFile(id, relative, await revisionAt(await resolveInside(root, relative)));
    };
    const watcher = watchProject(
      root,
      (path) => {
        clearTimeout(pendingChanges.get(path));
        const later = () => {
          pendingChanges.delete(path);
          look(path).catch((thrown: unknown) => log(`Could not look at ${path}: ${String(thrown)}`));
        };
        pendingChanges.set(path, setTimeout(later, debounceMs).unref());
      },
      (error) => warnOnce(id, error),
    );
    watchers.set(id, watcher);
  }

  async function openOwn(dir: string, sources?: readonly string[]): Promise<Project> {
    const real = await realDirectory(dir);
    const given = await Promise.all((sources ?? []).map((path) => realpath(path)));
    const { asks } = await read(real);
    const isGiven = ({ kind, subject }: Ask) => kind === 'file' && given.some((path) => isInside(path, subject));
    if (sources === undefined || asks.every(isGiven)) await trustedFolders.add(real);
    return open(real);
  }

  /** A folder with many files fails for each; the person is informed once. */
  function warnOnce(id: ProjectId, error: FirstlightError): void {
    log(error.message);
    if (blind.has(id)) return;
    blind.add(id);
    emit('app:warned', { error: toWireError(error) });
  }

  async function open(dir: string): Promise<Project> {
    const real = await realDirectory(dir);
    const id = projectIdOf(real);
    const added = await openProjects.add(id, real);
    const project = await read(real);
    if (!swept.has(id)) {
      swept.add(id);
      sweepProject(real).catch((thrown) =>
        log(`Half-written files stay in ${real}: ${toFirstlightError(thrown).message}`),
      );
    }
    if (added) emit('projects:changed', { project });
    return project;
  }

  const calls: ProjectService['calls'] = {
    'projects:list': () => list(),
    'projects:open': ({ dir }) => open(dir),
    'projects:templates': () => listTemplates(resources.templatesDir),
    'projects:create': async ({ name, template, runtime, dir }) => {
      const valid = configFileSchema.shape.name.safeParse(name);
      if (!valid.success) {
        throw new FirstlightError('BAD_INPUT', `"${name}" is not a name for a function.`, {
          hint: 'Use lower-case letters, digits and dashes, at most 48 characters.',
        });
      }
      const target = resolve(dir ?? join(layout.projectsDir, name));
      const chosen = runtime === undefined ? null : knownRuntime(runtime, runtimes);
      const types = await handlerTypesWith(findRuntime(runtime)?.handlerGlobals);
      await createFromTemplate({ ...resources, template, dir: target, name, runtime: chosen, types });
      return openOwn(target);
    },
    'projects:trust': async ({ projectId, trusted }) => {
      const dir = await rootOf(projectId);
      await (trusted ? trustedFolders.add(dir) : trustedFolders.remove(dir));
      await announceProject(projectId);
      return get(projectId);
    },
    'projects:close': async ({ projectId }) => {
      const found = await openProjects.remove(projectId);
      if (!found) throw new FirstlightError('NOT_FOUND', `No project ${projectId} is open.`);
      await watchers.get(projectId)?.close();
      watchers.delete(projectId);
      blind.delete(projectId);
      onClosed(projectId);
      emit('projects:closed', { projectId });
      return null;
    },
    'projects:files': async ({ projectId }) => {
      const root = await rootOf(projectId);
      watchOnce(projectId, root);
      return listFiles(root);
    },
    'projects:readFile': async ({ projectId, path }) => {
      const root = await rootOf(projectId);
      watchOnce(projectId, root);
      const read = await readText(root, path);
      announcedRevisions.set(`${projectId} ${path}`, read.revision);
      return read;
    },
    'projects:writeFile': async ({ projectId, path, text, baseRevision }) => {
      const revision = await writeText(await rootOf(projectId), path, text, baseRevision);
      announceFile(projectId, path, revision);
      return { revision };
    },
    'projects:createFile': async ({ projectId, path, text }) => {
      const revision = await createText(await rootOf(projectId), path, text);
      announceFile(projectId, path, revision);
      return { revision };
    },
    'projects:renameFile': async ({ projectId, path, to }) => {
      const root = await rootOf(projectId);
      await renamePath(root, path, to);
      announceFile(projectId, path, null);
      const revision = await revisionAt(await resolveInside(root, to));
      if (revision !== null) announceFile(projectId, to, revision);
      return null;
    },
    'projects:deleteFile': async ({ projectId, path }) => {
      await deletePath(await rootOf(projectId), path);
      announceFile(projectId, path, null);
      return null;
    },
    'projects:search': async ({ projectId, text, matchCase }, { signal }) =>
      await searchFiles(await rootOf(projectId), text, { matchCase, signal }),
    'projects:types': async ({ projectId }) => {
      const { dir, config } = await get(projectId);
      return await collectTypes(dir, findRuntime(config?.runtime)?.handlerGlobals, resources.nodeTypesPath);
    },
  };

  return {
    calls,
    open,
    openOwn,
    get,
    sourcesOf: ({ id, dir }) => [
      openProjects.pathOf(id),
      trustedFolders.pathOf(dir),
      join(dir, configFileName),
      // Another folder may be put in its place.
      dir,
    ],
    list,
    close: async () => {
      for (const timer of pendingChanges.values()) clearTimeout(timer);
      await Promise.all([...watchers.values()].map((watcher) => watcher.close()));
      watchers.clear();
    },
  };
}

/** The runtime as a new project names it; null for the default one, which is not written. Errors: BAD_INPUT. */
function knownRuntime(id: RuntimeId, runtimes: readonly KnownRuntime[]): RuntimeId | null {
  const index = runtimes.findIndex((runtime) => runtime.id === id);
  if (index > 0) return id;
  if (index === 0) return null;
  throw new FirstlightError('BAD_INPUT', `There is no runtime "${id}".`, {
    hint: `There are: ${runtimes.map((runtime) => runtime.id).join(', ')}.`,
  });
}

/**
 * The project in a directory, before it is known whether it is trusted. It always exists; its faults are among its
 * problems.
 */
export async function readProject(dir: string, runtimes: readonly KnownRuntime[]): Promise<Project> {
  const id = projectIdOf(dir);
  const withoutConfig = (message: string): Project => ({
    id,
    dir,
    name: basename(dir),
    config: null,
    problems: [{ severity: 'error', message, file: configFileName }],
    trusted: false,
    asks: [],
  });
  try {
    const text = await readRegularFile(join(dir, configFileName), maxConfigBytes);
    if (text === undefined) return withoutConfig(`There is no ${configFileName} in ${dir}.`);
    const { config, name, problems, printsDiagnostics } = parseConfig(text.toString('utf8'), runtimes);
    const untrusted = { trusted: false, asks: [] };
    return { id, dir, name: name ?? basename(dir), config, problems: [...problems], printsDiagnostics, ...untrusted };
  } catch (thrown) {
    // One unreadable folder affects only itself: the others are listed, built and run.
    return withoutConfig(toFirstlightError(thrown).message);
  }
}

async function realDirectory(dir: string): Promise<string> {
  const notThere = (what: string) =>
    new FirstlightError('NOT_FOUND', `${resolve(dir)} ${what}.`, {
      hint: 'Name a folder with a firstlight.json, or make one: firstlight new.',
      details: { subject: resolve(dir) },
    });
  let real: string | undefined;
  try {
    real = await realpath(resolve(dir)).catch(undefinedIfMissing);
  } catch (thrown) {
    throw notThere(`cannot be opened (${systemCode(thrown) ?? String(thrown)})`);
  }
  if (real === undefined) throw notThere('does not exist');
  if (!(await stat(real)).isDirectory()) throw notThere('is a file, not a folder');
  return real;
}
