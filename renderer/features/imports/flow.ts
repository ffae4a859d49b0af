import { toFirstlightError } from '#shared/errors.ts';
import type { Project } from '#shared/model/project.ts';
import type { ProjectId } from '#shared/model/units.ts';
import type { StudioContext } from '../../state/context.ts';
import { lacksKernel, showReleases } from '../../state/kernels.ts';
import { type Importing, noImport } from '../../state/transient.ts';

export interface ImportActions {
  /** Asks for a source. */
  readonly begin: () => void;
  /** Examines a source; nothing is written. */
  readonly examine: (source: string) => Promise<void>;
  /** Makes the proposed project, opens it, and closes the dialog. */
  readonly create: (input: { name: string; dir: string | null }) => Promise<void>;
  /** Returns to the choice of the source. */
  readonly back: () => void;
  /** Cancels the work in progress. */
  readonly cancel: () => void;
  /** Closes the import, and cancels the work in progress. */
  readonly close: () => void;
}

/** The dependencies on the feature that owns projects. */
export interface ImportNeeds {
  readonly addProject: (project: Project) => void;
  readonly selectProject: (projectId: ProjectId) => Promise<void>;
}

export function createImportActions(context: StudioContext, needs: ImportNeeds): ImportActions {
  const { client, transient, session } = context;
  let abort = new AbortController();
  const patch = (change: Partial<Importing>) =>
    transient.setState(({ importing }) => ({ importing: { ...(importing ?? noImport), ...change } }));
  const now = () => transient.getState().importing;
  const follow = () => {
    abort = new AbortController();
    return {
      signal: abort.signal,
      onProgress: ({ message, fraction }: { message: string; fraction?: number | undefined }) => {
        if (now() !== null) patch({ message, fraction: fraction ?? null });
      },
    };
  };
  const cancel = () => {
    const stage = now()?.stage;
    if (stage !== 'examining' && stage !== 'creating') return;
    patch({ cancelling: true });
    abort.abort();
  };

  return {
    begin: () => transient.setState({ importing: noImport, dialog: { kind: 'import' } }),
    examine: async (source) => {
      patch({ ...noImport, source, stage: 'examining', message: `Looking at ${source}` });
      const options = follow();
      try {
        const proposal = await client.call('imports:examine', { source }, options);
        if (!options.signal.aborted) patch({ stage: 'proposed', proposal, fraction: null });
      } catch (thrown) {
        const error = toFirstlightError(thrown);
        if (now() !== null)
          patch({ stage: 'asking', error: error.code === 'CANCELLED' ? null : error, cancelling: false });
      }
    },
    create: async ({ name, dir }) => {
      const proposal = now()?.proposal;
      if (proposal == null) return;
      patch({ stage: 'creating', error: null, message: `Making ${name}`, fraction: null });
      try {
        const { source, digest } = proposal;
        const wanted = { source, digest, name, ...(dir !== null && { dir }) };
        const project = await client.call('imports:create', wanted, follow());
        transient.setState({ importing: null, dialog: null });
        needs.addProject(project);
        await needs.selectProject(project.id);
        const runtime = project.config?.runtime;
        if (lacksKernel(session.getState(), runtime)) showReleases(context, runtime);
      } catch (thrown) {
        const error = toFirstlightError(thrown);
        if (now() !== null)
          patch({ stage: 'proposed', cancelling: false, error: error.code === 'CANCELLED' ? null : error });
      }
    },
    back: () => patch({ stage: 'asking', proposal: null, error: null }),
    cancel,
    close: () => {
      cancel();
      transient.setState({ importing: null, dialog: null });
    },
  };
}
