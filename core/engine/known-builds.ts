import { setTimeout as sleep } from 'node:timers/promises';
import type { Build, ImageStore } from '#core/images/image-store.ts';
import type { ProjectService } from '#core/projects/project-service.ts';
import { type FileStamps, stampFiles } from '#core/store/file-stamps.ts';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import type { CallContext } from '#shared/contract/index.ts';
import type { Project } from '#shared/model/project.ts';
import type { ProjectId } from '#shared/model/units.ts';

/** A project as it is on disk, with its build. */
export interface KnownBuild {
  readonly project: Project;
  readonly build: Build;
}

/** The builds of which it is known, at any time, whether they are still those of the files on disk. */
export interface KnownBuilds {
  /** The last build of a project while none of its files has changed, else null. Takes well under a millisecond. */
  readonly find: (id: ProjectId) => KnownBuild | null;
  /**
   * Gets to know a build that was just made or found. It waits until the file system's stamps tell its files from later
   * ones. A build whose files have changed meanwhile stays unknown. Never rejects.
   */
  readonly settle: (project: Project, build: Build) => Promise<void>;
  readonly forget: (id: ProjectId) => void;
}

export interface KnownBuildsOptions {
  readonly images: Pick<ImageStore, 'settle'>;
  readonly projects: Pick<ProjectService, 'get' | 'sourcesOf'>;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** More than the granularity of a file system's stamps. */
const settleMs = 40;
/** A build in use is found anew after this, which marks its bundle and image as used: the caches drop the others first. */
const renewMs = 60_000;

export function createKnownBuilds({ images, projects, signal, log }: KnownBuildsOptions): KnownBuilds {
  const known = new Map<ProjectId, KnownBuild & { readonly stamps: FileStamps; readonly atMs: number }>();
  const context: CallContext = { signal, progress: () => undefined };

  function find(id: ProjectId): KnownBuild | null {
    const found = known.get(id);
    if (found === undefined) return null;
    const startedAt = performance.now();
    if (!found.stamps.areSame()) {
      known.delete(id);
      return null;
    }
    const { project, build } = found;
    return { project, build: { ...build, result: { ...build.result, buildMs: performance.now() - startedAt } } };
  }

  async function look(project: Project, build: Build): Promise<void> {
    const { id, dir } = project;
    const readFromMs = Date.now();
    const again = await projects.get(id);
    if (JSON.stringify(again) !== JSON.stringify(project)) return;
    const settled = await images.settle(again, build, context);
    if (settled === null) return;
    const linked = [settled.build.image.path];
    const stamps = await stampFiles([...projects.sourcesOf(project), ...settled.sources], { dir, readFromMs, linked });
    if (stamps !== null) known.set(id, { project: again, build: settled.build, stamps, atMs: readFromMs });
  }

  return {
    find,
    settle: async (project, build) => {
      const { id } = project;
      const found = find(id);
      if (found?.build.image.id === build.image.id && Date.now() - (known.get(id)?.atMs ?? 0) < renewMs) return;
      try {
        await sleep(settleMs, undefined, { ref: false, signal });
        await look(project, build);
      } catch (thrown) {
        if (!signal.aborted)
          log(`The build of ${project.name} is looked for again: ${toFirstlightError(thrown).message}`);
      }
    },
    forget: (id) => void known.delete(id),
  };
}
