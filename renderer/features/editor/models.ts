import type { Problem } from '#shared/errors.ts';
import { readRuntimeSections } from '#shared/model/runtime-options.ts';
import { docKey } from '../../state/session.ts';
import type { Studio } from '../../studio.ts';
import { schemaAddresses } from './config-schema.ts';
import { monaco, offerConfigSchema, typescript } from './monaco.ts';

/** The address of a project's file in the editor: one folder per project, so that imports between its files resolve. */
export const fileUri = (projectId: string, path: string): monaco.Uri => monaco.Uri.file(`/${projectId}/${path}`);

const languages: Readonly<Record<string, string>> = {
  ts: 'typescript',
  mts: 'typescript',
  tsx: 'typescript',
  js: 'javascript',
  mjs: 'javascript',
  jsx: 'javascript',
  json: 'json',
  md: 'markdown',
};
const languageOf = (path: string): string => languages[path.split('.').at(-1) ?? ''] ?? 'plaintext';

const bindings = new WeakMap<Studio, { users: number; readonly end: () => void }>();

/**
 * Keeps the editor's models in step with a studio's open files, in both directions. Returns the function that stops it. Two
 * editors share the models: the last one releases them.
 */
export function bindModels(studio: Studio): () => void {
  const binding = bindings.get(studio) ?? { users: 0, end: startBinding(studio) };
  bindings.set(studio, binding);
  binding.users += 1;
  return () => {
    binding.users -= 1;
    if (binding.users > 0) return;
    bindings.delete(studio);
    binding.end();
  };
}

function startBinding(studio: Studio): () => void {
  const { session } = studio;
  const bound = new Map<string, { model: monaco.editor.ITextModel; end: () => void }>();
  let libraries: monaco.IDisposable[] = [];
  let applying = false;

  const sync = () => {
    const { docs } = session.getState();
    for (const [key, entry] of bound) {
      if (docs[key]?.status === 'ready') continue;
      entry.end();
      bound.delete(key);
    }
    for (const [key, doc] of Object.entries(docs)) {
      if (doc.status !== 'ready') continue;
      const known = bound.get(key);
      if (known === undefined) {
        const uri = fileUri(doc.projectId, doc.path);
        monaco.editor.getModel(uri)?.dispose();
        const model = monaco.editor.createModel(doc.text, languageOf(doc.path), uri);
        const listener = model.onDidChangeContent(() => {
          if (!applying) studio.docs.edit(key, model.getValue());
        });
        bound.set(key, {
          model,
          end: () => {
            listener.dispose();
            model.dispose();
          },
        });
      } else if (known.model.getValue() !== doc.text) {
        applying = true;
        // An edit, not setValue: undo still restores the earlier text.
        known.model.pushStackElement();
        known.model.pushEditOperations([], [changeOf(known.model, doc.text)], () => null);
        known.model.pushStackElement();
        applying = false;
      }
    }
  };

  let offered = '';
  const syncSchema = () => {
    const models = [...bound.values()].map(({ model }) => ({ uri: model.uri.toString(), text: model.getValue() }));
    const addresses = schemaAddresses(models);
    const { runtimes } = session.getState();
    const key = JSON.stringify([addresses, runtimes.map(({ id }) => id)]);
    if (key === offered) return;
    offered = key;
    offerConfigSchema(addresses, readRuntimeSections(runtimes));
  };

  const syncTypes = () => {
    const { types, sources, docs } = session.getState();
    for (const library of libraries) library.dispose();
    const closed = Object.entries(sources).map(
      ([projectId, files]) =>
        [
          projectId,
          files.flatMap((file) => asLibrary(file, docs[docKey(projectId, file.path)] !== undefined)),
        ] as const,
    );
    libraries = [...Object.entries(types), ...closed].flatMap(([projectId, files]) =>
      files.flatMap((file) => {
        const uri = fileUri(projectId, file.path).toString();
        return [typescript.typescriptDefaults, typescript.javascriptDefaults].map((defaults) =>
          defaults.addExtraLib(file.text, uri),
        );
      }),
    );
  };

  const syncMarkers = () => {
    const { builds, docs } = session.getState();
    for (const [key, { model }] of bound) {
      const doc = docs[key];
      const build = doc === undefined ? undefined : builds[doc.projectId];
      const problems = [
        ...(build?.error?.details.problems ?? []),
        ...(build?.error ? [] : (build?.result?.warnings ?? [])),
      ];
      monaco.editor.setModelMarkers(
        model,
        'build',
        problems.filter((problem) => problem.file === doc?.path).map((problem) => markerOf(problem, model)),
      );
    }
  };

  const readMarkers = monaco.editor.onDidChangeMarkers((uris) => {
    for (const [key, { model }] of bound) {
      if (!uris.some((uri) => uri.toString() === model.uri.toString())) continue;
      const doc = session.getState().docs[key];
      if (doc === undefined) continue;
      const problems = monaco.editor
        .getModelMarkers({ resource: model.uri })
        .filter((marker) => marker.owner !== 'build' && marker.severity >= monaco.MarkerSeverity.Warning)
        .map(
          (marker): Problem => ({
            severity: marker.severity === monaco.MarkerSeverity.Error ? 'error' : 'warning',
            message: marker.message,
            file: doc.path,
            line: marker.startLineNumber,
            column: marker.startColumn,
          }),
        );
      session.setState((state) => ({
        editorProblems: { ...state.editorProblems, [docKey(doc.projectId, doc.path)]: problems },
      }));
    }
  });

  const end = session.subscribe((state, before) => {
    if (state.docs !== before.docs) {
      sync();
      syncSchema();
    }
    const opened = Object.keys(state.docs).length !== Object.keys(before.docs).length;
    if (state.types !== before.types || state.sources !== before.sources || opened) syncTypes();
    if (state.builds !== before.builds || state.docs !== before.docs) syncMarkers();
  });
  sync();
  syncSchema();
  syncTypes();
  syncMarkers();

  return () => {
    end();
    readMarkers.dispose();
    for (const library of libraries) library.dispose();
    for (const entry of bound.values()) entry.end();
  };
}

/** The part of a model that another text differs in: cursor and scroll position stay where they are. */
function changeOf(model: monaco.editor.ITextModel, text: string): monaco.editor.IIdentifiedSingleEditOperation {
  const before = model.getValue();
  const least = Math.min(before.length, text.length);
  let start = 0;
  while (start < least && before[start] === text[start]) start++;
  let tail = 0;
  while (tail < least - start && before[before.length - 1 - tail] === text[text.length - 1 - tail]) tail++;
  const from = model.getPositionAt(start);
  const to = model.getPositionAt(before.length - tail);
  return { range: monaco.Range.fromPositions(from, to), text: text.slice(start, text.length - tail) };
}

function markerOf(problem: Problem, model: monaco.editor.ITextModel): monaco.editor.IMarkerData {
  const line = Math.min(Math.max(problem.line ?? 1, 1), model.getLineCount());
  const column = Math.min(problem.column ?? 1, model.getLineMaxColumn(line));
  const word = model.getWordAtPosition({ lineNumber: line, column });
  return {
    severity: problem.severity === 'error' ? monaco.MarkerSeverity.Error : monaco.MarkerSeverity.Warning,
    message: problem.message,
    source: 'build',
    startLineNumber: line,
    startColumn: column,
    endLineNumber: line,
    endColumn: word?.endColumn ?? column + 1,
  };
}

interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/**
 * The text of a file on disk for the TypeScript service: none when the editor has it open, as the service then sees it.
 *
 * The service reads no JSON modules here; `data.json` is found as `data.json.ts`, so the service gets that name.
 */
function asLibrary(file: SourceFile, isOpen: boolean): readonly SourceFile[] {
  if (file.path.endsWith('.json')) return [{ path: `${file.path}.ts`, text: `export default ${file.text.trim()};\n` }];
  return isOpen ? [] : [file];
}
