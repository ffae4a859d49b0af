const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};
// Tab and line ends would be normalised to spaces inside an attribute; the other control characters are not XML at all.
const notXml = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;

/** A text as XML content or as the value of an attribute. Characters that XML cannot contain become U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .replace(notXml, '\u{FFFD}')
    .replace(/[&<>"']/g, (char) => escapes[char] ?? char)
    .replace(/[\t\n\r]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** Attributes in XML, each with a space before it; those that are null are left out. */
export function attributes(values: Readonly<Record<string, string | number | boolean | null>>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => ` ${name}="${escapeXml(String(value))}"`)
    .join('');
}
