import type { ILink, Terminal } from '@xterm/xterm';

/** Addresses in running text: a closing bracket or a full stop at the end belongs to the sentence. */
const address = /https?:\/\/[^\s"'<>`]*[^\s"'<>`.,;:!?)\]}]/g;

/** The addresses in a line of output. Units: `start` and `end` count characters from 0, `end` exclusive. */
export const findAddresses = (line: string): readonly { start: number; end: number; url: string }[] =>
  [...line.matchAll(address)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
    url: match[0],
  }));

/** Makes web addresses in the output links: Ctrl+click opens one. Only http and https; the shown text is the target. */
export function offerLinks(terminal: Terminal, openUrl: (url: string) => void): void {
  terminal.registerLinkProvider({
    provideLinks: (row, take) => {
      const line = terminal.buffer.active.getLine(row - 1)?.translateToString(true) ?? '';
      take(
        findAddresses(line).map(
          ({ start, end, url }): ILink => ({
            text: url,
            range: { start: { x: start + 1, y: row }, end: { x: end, y: row } },
            activate: (event) => {
              if (event.ctrlKey || event.metaKey) openUrl(url);
            },
          }),
        ),
      );
    },
  });
}
