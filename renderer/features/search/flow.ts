import { toFirstlightError } from '#shared/errors.ts';
import { currentProject, type StudioContext } from '../../state/context.ts';
import { failed, idle, loading, ready } from '../../state/loadable.ts';
import type { FileSearch } from '../../state/transient.ts';

/** The delay after the last key before a search. Units: ms. */
const waitMs = 150;

export interface SearchActions {
  /** Searches the files of the current project for a text, after a short pause in typing. */
  readonly find: (change: Partial<Pick<FileSearch, 'text' | 'matchCase'>>) => void;
}

export function createSearchActions(context: StudioContext): SearchActions {
  const { client, transient } = context;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let abort = new AbortController();
  const patch = (change: Partial<FileSearch>) =>
    transient.setState(({ search }) => ({ search: { ...search, ...change } }));

  const search = async () => {
    const project = currentProject(context);
    const { text, matchCase } = transient.getState().search;
    if (project === null || text === '') return patch({ found: idle });
    abort = new AbortController();
    const { signal } = abort;
    try {
      const found = await client.call('projects:search', { projectId: project.id, text, matchCase }, { signal });
      if (!signal.aborted) patch({ found: ready(found) });
    } catch (thrown) {
      if (!signal.aborted) patch({ found: failed(undefined, toFirstlightError(thrown)) });
    }
  };

  return {
    find: (change) => {
      patch({ ...change, found: loading(transient.getState().search.found) });
      abort.abort();
      if (timer !== null) clearTimeout(timer);
      timer = setTimeout(() => void search(), waitMs);
    },
  };
}
