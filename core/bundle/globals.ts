/** Globals that a function may expect: those that a shim gives when they are named, and those that Ember lacks. */

/** What gives a global when code names it. Shape: the global's name to files in `Resources.shimsDir`. */
export const shimsOf: ReadonlyMap<string, readonly string[]> = new Map([
  ['URL', ['url.js']],
  ['URLSearchParams', ['url.js']],
  ['Headers', ['http.js']],
  ['Request', ['http.js', 'url.js']],
  ['Response', ['http.js']],
]);

const noNetwork = 'Ember has no network. Send what the function needs in the event.';
const noBrowser = 'a function runs in no browser.';
const noStreams = 'Ember has no streams. A body is text or bytes.';
const noFiles = 'Ember has no files. Import a .txt or .bin file to have its content.';
const noNode = 'the guest is no Node.js.';
const noEvents = 'Ember has no DOM events. Use callbacks, promises, or a package.';

/** Why a global is not there, and what serves instead. */
export const missingGlobals: ReadonlyMap<string, string> = new Map([
  ...named('fetch XMLHttpRequest WebSocket EventSource RTCPeerConnection', noNetwork),
  ...named('window document navigator location history localStorage sessionStorage indexedDB', noBrowser),
  ...named('alert requestAnimationFrame requestIdleCallback HTMLElement DOMParser Worker MessageChannel', noBrowser),
  ...named('ReadableStream WritableStream TransformStream TextDecoderStream TextEncoderStream', noStreams),
  ...named('CompressionStream DecompressionStream', noStreams),
  ...named('__dirname __filename', noFiles),
  ...named('Blob File FileReader FormData', 'use text, a Uint8Array or URLSearchParams.'),
  ...named('AbortController AbortSignal Event EventTarget CustomEvent BroadcastChannel', noEvents),
  ['Buffer', `${noNode} Use Uint8Array, TextEncoder and TextDecoder, atob and btoa.`],
  ['global', `${noNode} Use globalThis.`],
  ['Intl', 'Ember has no tables of languages. Format by hand, or with a package that brings its own.'],
  ['WebAssembly', 'Ember runs JavaScript only.'],
]);

function named(names: string, why: string): [string, string][] {
  return names.split(' ').map((name) => [name, why]);
}
