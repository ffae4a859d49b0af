import { widenColour } from '../../ui/instrument-theme.ts';
import { monaco } from './monaco.ts';

/** Makes the editor's theme from the design tokens in force, so that colours are written down once. */
export function applyTheme(theme: 'light' | 'dark'): void {
  const style = getComputedStyle(document.documentElement);
  const color = (token: string) => widenColour(style.getPropertyValue(`--${token}`).trim());
  const bare = (token: string) => color(token).slice(1);
  monaco.editor.defineTheme(`firstlight-${theme}`, {
    base: theme === 'dark' ? 'vs-dark' : 'vs',
    inherit: true,
    rules: [
      { token: '', foreground: bare('fg') },
      { token: 'comment', foreground: bare('syntax-comment') },
      { token: 'keyword', foreground: bare('syntax-keyword') },
      { token: 'string', foreground: bare('syntax-string') },
      { token: 'number', foreground: bare('syntax-number') },
      { token: 'regexp', foreground: bare('syntax-number') },
      { token: 'type', foreground: bare('syntax-type') },
      { token: 'string.key.json', foreground: bare('syntax-type') },
      { token: 'string.value.json', foreground: bare('syntax-string') },
      { token: 'delimiter', foreground: bare('fg-muted') },
    ],
    colors: {
      'editor.background': color('bg-inset'),
      'editor.foreground': color('fg'),
      'editorLineNumber.foreground': color('fg-faint'),
      'editorLineNumber.activeForeground': color('fg'),
      'editor.lineHighlightBackground': color('bg-raised'),
      'editor.lineHighlightBorder': '#00000000',
      'editorCursor.foreground': color('accent'),
      'editor.selectionBackground': `${color('accent')}44`,
      'editorWidget.background': color('bg-raised'),
      'editorWidget.border': color('border'),
      'editorSuggestWidget.selectedBackground': color('bg-selected'),
      'editorSuggestWidget.selectedForeground': color('fg'),
      'editorSuggestWidget.selectedIconForeground': color('fg'),
      'editorSuggestWidget.highlightForeground': color('accent'),
      'editorSuggestWidget.focusHighlightForeground': color('accent'),
      'menu.background': color('bg-raised'),
      'menu.foreground': color('fg'),
      'menu.border': color('border'),
      'menu.separatorBackground': color('border'),
      'menu.selectionBackground': color('bg-selected'),
      'menu.selectionForeground': color('fg'),
      'editorError.foreground': color('danger'),
      'editorWarning.foreground': color('warning'),
      'editorIndentGuide.background1': color('border'),
      'scrollbarSlider.background': `${color('fg-faint')}40`,
      focusBorder: color('focus'),
      ...Object.fromEntries(
        [1, 2, 3, 4, 5, 6].map((level) => [`editorBracketHighlight.foreground${level}`, color('fg-muted')]),
      ),
      'input.background': color('bg-inset'),
    },
  });
  monaco.editor.setTheme(`firstlight-${theme}`);
}
