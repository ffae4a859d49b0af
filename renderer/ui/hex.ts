/** The number of bytes per row that fits a panel at its usual width. */
const rowBytes = 8;
/** The greatest number of rows: more than a person reads. */
const shownRows = 1_024;

/** Bytes as a table, per row: offset, bytes in hex, printable characters. Shape: `leftBytes` counts the rest. */
export function hexTable(base64: string): { readonly text: string; readonly leftBytes: number } {
  const binary = atob(base64);
  const rows: string[] = [];
  const total = Math.ceil(binary.length / rowBytes);
  for (let row = 0; row < Math.min(total, shownRows); row++) {
    const chunk = binary.slice(row * rowBytes, (row + 1) * rowBytes);
    const hex = [...chunk].map((char) => char.charCodeAt(0).toString(16).padStart(2, '0')).join(' ');
    const text = [...chunk].map((char) => (char >= ' ' && char <= '~' ? char : '.')).join('');
    rows.push(`${(row * rowBytes).toString(16).padStart(6, '0')}  ${hex.padEnd(rowBytes * 3 - 1)}  ${text}`);
  }
  return { text: rows.join('\n'), leftBytes: Math.max(0, total - shownRows) * rowBytes };
}
