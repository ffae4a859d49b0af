import { useEffect, useRef } from 'react';
import type { ProjectId } from '#shared/model/units.ts';
import { useSaved, useStudio, useTransient } from '../../bind/studio.tsx';
import styles from './editor.module.css';
import { bindModels, fileUri } from './models.ts';
import { monaco } from './monaco.ts';
import { applyTheme } from './theme.ts';

/** The line height as a multiple of the text size. */
const lineHeight = 1.54;

export interface CodeEditorProps {
  readonly projectId: ProjectId;
  readonly path: string;
  readonly theme: 'light' | 'dark';
  /** The second editor, beside the first. */
  readonly isSecond?: boolean;
}

/** The editor that had the focus last: it executes the commands for the editor. */
let lastFocused: monaco.editor.IStandaloneCodeEditor | null = null;

/** The editor on one open file; it keeps the view state of each file it has shown. */
export default function CodeEditor({ projectId, path, theme, isSecond = false }: CodeEditorProps) {
  const studio = useStudio();
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<monaco.editor.IStandaloneCodeEditor | null>(null);
  const views = useRef(new Map<string, monaco.editor.ICodeEditorViewState | null>());
  const reveal = useTransient((state) => state.reveal);
  const action = useTransient((state) => state.editorAction);
  const preferences = useSaved((state) => state.preferences);

  useEffect(() => bindModels(studio), [studio]);

  useEffect(() => {
    if (host.current === null) return;
    const created = monaco.editor.create(host.current, {
      model: null,
      automaticLayout: true,
      minimap: { enabled: false },
      scrollBeyondLastLine: false,
      padding: { top: 6, bottom: 6 },
      lineNumbersMinChars: 3,
      lineDecorationsWidth: 8,
      glyphMargin: false,
      folding: false,
      renderLineHighlight: 'line',
      overviewRulerBorder: false,
      hideCursorInOverviewRuler: true,
      scrollbar: { verticalScrollbarSize: 10, horizontalScrollbarSize: 10, useShadows: false },
      fixedOverflowWidgets: true,
      tabSize: 2,
      bracketPairColorization: { enabled: false },
      guides: { indentation: false },
      'semanticHighlighting.enabled': true,
      stickyScroll: { enabled: false },
      accessibilitySupport: 'auto',
    });
    editor.current = created;
    const focus = created.onDidFocusEditorText(() => {
      lastFocused = created;
    });
    const cursor = created.onDidChangeCursorPosition(({ position }) =>
      studio.transient.setState({ cursor: { line: position.lineNumber, column: position.column } }),
    );
    return () => {
      cursor.dispose();
      focus.dispose();
      if (lastFocused === created) lastFocused = null;
      created.dispose();
      editor.current = null;
      studio.transient.setState({ cursor: null });
    };
  }, [studio]);

  useEffect(() => {
    const usual = getComputedStyle(document.documentElement).getPropertyValue('--font-mono');
    editor.current?.updateOptions({
      fontFamily: preferences.editorFont === '' ? usual : `${preferences.editorFont}, ${usual}`,
      fontSize: preferences.editorFontSize,
      lineHeight: Math.round(preferences.editorFontSize * lineHeight),
      wordWrap: preferences.wordWrap ? 'on' : 'off',
    });
  }, [preferences]);

  useEffect(() => {
    if (isSecond) return;
    studio.docs.setFormatter(async (ofProject, ofPath) => {
      const shown = editor.current;
      const isShown = shown?.getModel()?.uri.toString() === fileUri(ofProject, ofPath).toString();
      if (isShown) await shown?.getAction('editor.action.formatDocument')?.run();
    });
    return () => studio.docs.setFormatter(null);
  }, [studio, isSecond]);

  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    applyTheme(theme);
  }, [theme]);

  useEffect(() => {
    const uri = fileUri(projectId, path);
    const shown = editor.current;
    const model = monaco.editor.getModel(uri);
    if (shown === null || model === null) return;
    shown.setModel(model);
    shown.updateOptions({ ariaLabel: `Editor, ${path}` });
    shown.restoreViewState(views.current.get(uri.toString()) ?? null);
    return () => {
      views.current.set(uri.toString(), shown.saveViewState());
    };
  }, [projectId, path]);

  useEffect(() => {
    const shown = editor.current;
    if (reveal === null || reveal.path !== path || shown === null || isSecond) return;
    shown.setPosition({ lineNumber: reveal.line, column: reveal.column });
    shown.revealLineInCenter(reveal.line);
    shown.focus();
    studio.transient.setState({ reveal: null });
  }, [reveal, path, studio, isSecond]);

  useEffect(() => {
    const isMine = lastFocused === null ? !isSecond : lastFocused === editor.current;
    if (action === null || editor.current === null || !isMine) return;
    editor.current.focus();
    editor.current.trigger('command', action, null);
    studio.transient.setState({ editorAction: null });
  }, [action, studio, isSecond]);

  // Monaco defines its colours for its own class; its context menu is outside of the editor and gets them from here.
  return <div ref={host} className={`${styles.codeEditor} monaco-component`} />;
}
