/** The name of the key that was pressed with its modifiers, as shortcuts are written: `Ctrl+Shift+M`. */
export function shortcutOf(event: KeyboardEvent): string {
  const key =
    event.code === 'Backquote'
      ? '`'
      : event.key.length === 1
        ? event.key.toUpperCase()
        : event.key === 'Escape'
          ? 'Esc'
          : event.key;
  const ctrl = event.ctrlKey || event.metaKey;
  return `${ctrl ? 'Ctrl+' : ''}${event.altKey ? 'Alt+' : ''}${event.shiftKey && key !== '`' ? 'Shift+' : ''}${key}`;
}
