/** A text of the schema, with the parts between backticks as code. */
export function DocText({ text }: { readonly text: string }) {
  return text.split('`').map((part, index) =>
    index % 2 === 0 ? (
      part
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text, which never move
      <code key={index}>{part}</code>
    ),
  );
}
