import styles from './json-view.module.css';

const token = /("(?:\\.|[^"\\])*"(?:\s*:)?)|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

/** JSON text with its keys, strings, numbers and words distinguished. Text that is not JSON is shown as it is. */
export function JsonText({ text }: { readonly text: string }) {
  const parts: React.ReactNode[] = [];
  let end = 0;
  for (const match of text.matchAll(token)) {
    if (match.index > end) parts.push(text.slice(end, match.index));
    const kind =
      match[1] !== undefined ? (match[1].endsWith(':') ? 'key' : 'string') : match[2] !== undefined ? 'number' : 'word';
    parts.push(
      <span key={match.index} className={styles[kind]}>
        {match[0]}
      </span>,
    );
    end = match.index + match[0].length;
  }
  parts.push(text.slice(end));
  return <>{parts}</>;
}
