import { toFirstlightError } from '#shared/errors.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { configPath, setInConfig } from '../../state/config-text.ts';
import { addToast, report, type StudioContext, setEntry, setSavedEntry } from '../../state/context.ts';
import { type Doc, type DocKey, docKey, isDirty } from '../../state/session.ts';
import { renameImports, type SourceText } from './rename-imports.ts';
import { renameInConfig } from './rename-in-config.ts';

/** All drafts travel with the settings at each pause in typing; a handler is a hundredth of this. */
const draftCharacters = 400_000;

/** Formats an open file in place. */
export type Formatter = (projectId: ProjectId, path: string) => Promise<void>;

export interface DocActions {
  /** Reads a file unless it is open already. */
  readonly load: (projectId: ProjectId, path: string) => Promise<void>;
  /** Shows a file in a tab, reading it first when needed. */
  readonly open: (projectId: ProjectId, path: string) => void;
  /** Closes the tab; asks first when that would lose changes. */
  readonly close: (projectId: ProjectId, path: string) => void;
  readonly edit: (key: DocKey, text: string) => void;
  /** Writes one file. `overwrite` replaces the changes of another program. True when it is on disk. */
  readonly save: (key: DocKey, options?: { overwrite?: boolean }) => Promise<boolean>;
  /** Writes every changed file of a project. True when all are on disk. */
  readonly saveAll: (projectId: ProjectId) => Promise<boolean>;
  /** Loads the file from disk, and discards the typed changes. */
  readonly reload: (key: DocKey) => Promise<void>;
  /** Shows a place of a file in the editor. Units: line and column count from 1. */
  readonly reveal: (projectId: ProjectId, path: string, line: number, column: number) => void;
  readonly fileChanged: (projectId: ProjectId, path: string, revision: string | null) => void;
  readonly createFile: (projectId: ProjectId, path: string) => Promise<void>;
  /** Renames a file; imports of it, and the entry of firstlight.json, follow. */
  readonly renameFile: (projectId: ProjectId, path: string, to: string) => Promise<void>;
  readonly deleteFile: (projectId: ProjectId, path: string) => Promise<void>;
  /** Shows a file in the second editor, beside the first; null closes the second editor. */
  readonly openBeside: (projectId: ProjectId, path: string | null) => void;
  /** Formats an open file, where the editor can. */
  readonly format: (projectId: ProjectId, path: string) => Promise<void>;
  /** Sets the formatter of files: the editor, once it has loaded. */
  readonly setFormatter: (formatter: Formatter | null) => void;
  /** Closes the open files of a project, and discards the typed changes. */
  readonly forget: (projectId: ProjectId) => void;
  /** Keeps unsaved changes for the next start. */
  readonly keepDrafts: () => void;
  /** Reads the files on disk again, after a time in which changes were not reported. */
  readonly refresh: () => Promise<void>;
}

interface ReadSource extends SourceText {
  readonly revision: string | null;
}

export function createDocActions(context: StudioContext): DocActions {
  const { client, session, saved } = context;
  let revealSerial = 0;
  let formatter: Formatter | null = null;

  const get = (key: DocKey) => session.getState().docs[key];
  const put = (key: DocKey, doc: Doc | undefined) => setEntry(context, 'docs', key, doc);
  const patch = (key: DocKey, change: Partial<Doc>) => {
    const doc = get(key);
    if (doc !== undefined) put(key, { ...doc, ...change });
  };

  const read = async (projectId: ProjectId, path: string) => {
    const key = docKey(projectId, path);
    try {
      const { text, revision } = await client.call('projects:readFile', { projectId, path });
      put(key, { ...blank(projectId, path), status: 'ready', text, savedText: text, revision });
    } catch (thrown) {
      put(key, { ...blank(projectId, path), status: 'failed', error: toFirstlightError(thrown) });
    }
  };

  /** Restores the unsaved changes from when the window was last closed. */
  const applyDraft = (key: DocKey) => {
    const draft = saved.getState().drafts[key];
    const doc = get(key);
    if (draft === undefined || doc === undefined) return;
    if (doc.status === 'ready' && draft.text !== doc.text) {
      const conflict = draft.revision === doc.revision ? null : ('changed' as const);
      patch(key, { text: draft.text, revision: draft.revision, conflict });
    } else if (doc.error?.code === 'NOT_FOUND') {
      patch(key, { ...draft, status: 'ready', error: null, conflict: 'deleted' });
    }
  };

  const load: DocActions['load'] = async (projectId, path) => {
    const key = docKey(projectId, path);
    const doc = get(key);
    if (doc !== undefined && doc.status !== 'failed') return;
    put(key, blank(projectId, path));
    await read(projectId, path);
    applyDraft(key);
  };

  const tabsOf = (projectId: ProjectId) => saved.getState().tabs[projectId] ?? { paths: [], active: null };

  const open: DocActions['open'] = (projectId, path) => {
    const { paths } = tabsOf(projectId);
    setSavedEntry(context, 'tabs', projectId, { paths: paths.includes(path) ? paths : [...paths, path], active: path });
    context.transient.setState({ center: 'editor' });
    void load(projectId, path);
  };

  const letGo = (projectId: ProjectId, path: string) => {
    put(docKey(projectId, path), undefined);
    setEntry(context, 'editorProblems', docKey(projectId, path), undefined);
  };

  const dropTab = (projectId: ProjectId, path: string) => {
    const { paths, active } = tabsOf(projectId);
    const index = paths.indexOf(path);
    const rest = paths.filter((entry) => entry !== path);
    const next = active === path ? (rest[Math.min(index, rest.length - 1)] ?? null) : active;
    setSavedEntry(context, 'tabs', projectId, { paths: rest, active: next });
    setSavedEntry(context, 'drafts', docKey(projectId, path), undefined);
    if (saved.getState().split[projectId] !== path) letGo(projectId, path);
  };

  const save: DocActions['save'] = async (key, { overwrite = false } = {}) => {
    const doc = get(key);
    if (doc === undefined || doc.status !== 'ready' || doc.saving) return doc?.saving !== true;
    if (!isDirty(doc) && !overwrite) return true;
    if (doc.conflict !== null && !overwrite) return false;
    const { projectId, path, text } = doc;
    patch(key, { saving: true });
    try {
      const baseRevision = overwrite ? null : doc.revision;
      const { revision } = await client.call('projects:writeFile', { projectId, path, text, baseRevision });
      patch(key, { saving: false, savedText: text, revision, conflict: null, error: null });
      return true;
    } catch (thrown) {
      const error = toFirstlightError(thrown);
      if (error.code === 'CONFLICT') patch(key, { saving: false, conflict: 'changed' });
      else {
        patch(key, { saving: false });
        report(context, error);
      }
      return false;
    }
  };

  /** The source files of a project as they are being edited, or else as they are on disk now. */
  const readSources = (projectId: ProjectId): Promise<readonly ReadSource[]> =>
    Promise.all(
      (session.getState().sources[projectId] ?? []).map(async ({ path }) => {
        const doc = get(docKey(projectId, path));
        if (doc?.status === 'ready') return { path, text: doc.text, revision: doc.revision };
        return await client.call('projects:readFile', { projectId, path });
      }),
    );

  /** Changes a file on disk; in a file that is being edited, the typed changes stay, and are saved as before. */
  const change = async (projectId: ProjectId, path: string, text: string, baseRevision: string | null) => {
    const key = docKey(projectId, path);
    const doc = get(key);
    if (doc?.status !== 'ready') {
      await client.call('projects:writeFile', { projectId, path, text, baseRevision });
      return;
    }
    const wasDirty = isDirty(doc);
    patch(key, { text });
    if (!wasDirty) await save(key);
  };

  const followRename = async (projectId: ProjectId, files: readonly ReadSource[], from: string, to: string) => {
    const revisionOf = (path: string) => files.find((file) => file.path === path)?.revision ?? null;
    const project = session.getState().projects.value?.find((entry) => entry.id === projectId);
    try {
      const changed = renameImports(files, from, to);
      for (const { path, text } of changed) await change(projectId, path, text, revisionOf(path === to ? from : path));
      const config = files.find(({ path }) => path === configPath);
      if (config !== undefined) {
        // The entry has a default name, which the file then does not say.
        const withEntry = project?.config?.entry === from ? setInConfig(config.text, ['entry'], to) : config.text;
        const next = renameInConfig(withEntry, from, to);
        if (next !== config.text) await change(projectId, configPath, next, config.revision);
      }
      const count = changed.filter(({ path }) => path !== to).length;
      if (count > 0) addToast(context, `Imports in ${count === 1 ? '1 file' : `${count} files`} follow the new name.`);
    } catch (thrown) {
      report(context, thrown);
    }
  };

  const fileChanged: DocActions['fileChanged'] = (projectId, path, revision) => {
    const key = docKey(projectId, path);
    const doc = get(key);
    if (doc === undefined || doc.saving || doc.revision === revision) return;
    if (revision === null) return patch(key, { conflict: 'deleted' });
    if (isDirty(doc)) return patch(key, { conflict: 'changed' });
    void read(projectId, path);
  };

  return {
    load,
    open,
    close: (projectId, path) => {
      const doc = get(docKey(projectId, path));
      if (doc === undefined || !isDirty(doc)) return dropTab(projectId, path);
      context.transient.setState({
        dialog: {
          kind: 'confirm',
          title: `Close ${path} without saving?`,
          message: 'What was typed since the last save would be lost.',
          action: 'Close without saving',
          onConfirm: () => dropTab(projectId, path),
        },
      });
    },
    edit: (key, text) => {
      if (get(key)?.text !== text) patch(key, { text });
    },
    save,
    saveAll: async (projectId) => {
      const dirty = Object.entries(session.getState().docs).filter(
        ([, doc]) => doc.projectId === projectId && isDirty(doc),
      );
      const results = await Promise.all(dirty.map(([key]) => save(key)));
      return results.every(Boolean);
    },
    reload: async (key) => {
      const doc = get(key);
      if (doc !== undefined) await read(doc.projectId, doc.path);
    },
    reveal: (projectId, path, line, column) => {
      open(projectId, path);
      context.transient.setState({ reveal: { path, line, column, serial: ++revealSerial } });
    },
    fileChanged,
    createFile: async (projectId, path) => {
      await client.call('projects:createFile', { projectId, path });
      open(projectId, path);
    },
    renameFile: async (projectId, path, to) => {
      const before = await readSources(projectId);
      await client.call('projects:renameFile', { projectId, path, to });
      const wasOpen = tabsOf(projectId).paths.includes(path);
      const typed = get(docKey(projectId, path));
      dropTab(projectId, path);
      if (saved.getState().split[projectId] === path) setSavedEntry(context, 'split', projectId, to);
      if (wasOpen) {
        await load(projectId, to);
        if (typed !== undefined && isDirty(typed)) patch(docKey(projectId, to), { text: typed.text });
        open(projectId, to);
      }
      await followRename(projectId, before, path, to);
    },
    deleteFile: async (projectId, path) => {
      try {
        await client.call('projects:deleteFile', { projectId, path });
        dropTab(projectId, path);
      } catch (thrown) {
        report(context, thrown);
      }
    },
    openBeside: (projectId, path) => {
      const before = saved.getState().split[projectId];
      setSavedEntry(context, 'split', projectId, path ?? undefined);
      const doc = before === undefined ? undefined : get(docKey(projectId, before));
      // The changes typed there continue in a tab.
      if (doc !== undefined && doc.path !== path && !tabsOf(projectId).paths.includes(doc.path)) {
        if (isDirty(doc)) open(projectId, doc.path);
        else letGo(projectId, doc.path);
      }
      if (path === null) return;
      context.transient.setState({ center: 'editor' });
      void load(projectId, path);
    },
    format: async (projectId, path) => {
      try {
        await formatter?.(projectId, path);
      } catch (thrown) {
        report(context, thrown);
      }
    },
    setFormatter: (next) => {
      formatter = next;
    },
    keepDrafts: () => {
      const { docs } = session.getState();
      const before = saved.getState().drafts;
      // Entries of files that are not open now stay unchanged.
      const kept = Object.entries(before).filter(([key]) => docs[key]?.status !== 'ready');
      const typed = Object.entries(docs)
        .filter(([, doc]) => isDirty(doc) && doc.text.length <= draftCharacters)
        .map(([key, { text, revision }]) => [key, { text, revision }] as const);
      const drafts = Object.fromEntries([...kept, ...typed]);
      if (JSON.stringify(drafts) !== JSON.stringify(before)) saved.setState({ drafts });
    },
    refresh: async () => {
      const open = Object.values(session.getState().docs).filter((doc) => doc.status === 'ready');
      await Promise.all(
        open.map(async ({ projectId, path }) => {
          try {
            const { revision } = await client.call('projects:readFile', { projectId, path });
            fileChanged(projectId, path, revision);
          } catch (thrown) {
            const error = toFirstlightError(thrown);
            if (error.code === 'NOT_FOUND') fileChanged(projectId, path, null);
            else report(context, error);
          }
        }),
      );
    },
    forget: (projectId) => {
      saved.setState(({ drafts }) => ({
        drafts: Object.fromEntries(Object.entries(drafts).filter(([key]) => !key.startsWith(`${projectId}:`))),
      }));
      session.setState((state) => ({
        docs: Object.fromEntries(Object.entries(state.docs).filter(([, doc]) => doc.projectId !== projectId)),
      }));
    },
  };
}

const blank = (projectId: ProjectId, path: string): Doc => ({
  projectId,
  path,
  status: 'loading',
  savedText: '',
  text: '',
  revision: null,
  saving: false,
  error: null,
  conflict: null,
});
