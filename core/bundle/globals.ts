/** Globals that a function may expect: those that a shim gives when they are named, and those that a bare engine lacks. */

/** The shims of each global that code may name. Shape: the global's name to scripts in `Resources.shimsDir`. */
export const shimsOf: ReadonlyMap<string, readonly string[]> = new Map([
  ...given('URL URLSearchParams', 'url.js'),
  ...given('Headers Response', 'http.js'),
  ...given('Request', 'url.js http.js'),
  ...given('AbortController AbortSignal Event EventTarget CustomEvent MessageEvent', 'dom-events.js'),
  ...given('MessageChannel MessagePort BroadcastChannel', 'dom-events.js message-channel.js'),
  ...given(
    'ReadableStream ReadableStreamDefaultReader ReadableStreamBYOBReader ReadableStreamBYOBRequest',
    'streams.js',
  ),
  ...given('ReadableByteStreamController ReadableStreamDefaultController', 'streams.js'),
  ...given('WritableStream WritableStreamDefaultWriter WritableStreamDefaultController', 'streams.js'),
  ...given('TransformStream TransformStreamDefaultController', 'streams.js'),
  ...given('ByteLengthQueuingStrategy CountQueuingStrategy TextDecoderStream TextEncoderStream', 'streams.js'),
  ...given('CompressionStream DecompressionStream', 'streams.js'),
  ...given('PerformanceObserver PerformanceObserverEntryList', 'performance-observer.js'),
  ...given('Blob File FormData', 'blob.js'),
  ...given('CryptoKey', 'subtle.js'),
  ...given('Buffer', 'buffer.js'),
]);

/** The shims of `fetch`, for a function that has asked for the network: without it, the global is missing. */
export const fetchShims = ['url.js', 'http.js', 'fetch.js'] as const;

/** The order in which scripts are put before a bundle: each after those that it builds upon. */
export const shimOrder = [
  'url.js',
  'dom-events.js',
  'message-channel.js',
  'performance-observer.js',
  'streams.js',
  'blob.js',
  'http.js',
  'fetch.js',
  'buffer.js',
  'ciphers.js',
  'subtle.js',
  'subtle-keys.js',
] as const;

const noNetwork = 'the guest has no network. Send what the function needs in the event.';
const noFetch =
  'the function has not asked for the network. Give its runtime a "network" with "outbound" in firstlight.json, or send what it needs in the event.';
const noBrowser = 'a function runs in no browser.';
const noFiles = 'the guest has no files. Import a .txt or .bin file to have its content.';

/** The reason why a global is missing, and its replacement. */
export const missingGlobals: ReadonlyMap<string, string> = new Map([
  ...named('fetch', noFetch),
  ...named('XMLHttpRequest WebSocket EventSource RTCPeerConnection', noNetwork),
  ...named('window document navigator location history localStorage sessionStorage indexedDB', noBrowser),
  ...named('alert requestAnimationFrame requestIdleCallback HTMLElement DOMParser Worker', noBrowser),
  ...named('__dirname __filename', noFiles),
  ...named('Atomics', 'a function has one thread.'),
  ['PerformanceResourceTiming', 'the guest times nothing by itself: `performance` has marks and measures.'],
  ...named('ErrorEvent CloseEvent PromiseRejectionEvent', 'nothing in the guest dispatches it. Extend Event.'),
  ...named('Crypto SubtleCrypto', 'only its one object is there: use `crypto`.'),
  ['URLPattern', 'match with a regular expression, or with a package that brings its own.'],
  ['FileReader', 'use the methods of the Blob itself: text(), arrayBuffer().'],
  ['Intl', 'the guest has no tables of languages. Format by hand, or with a package that brings its own.'],
  ['WebAssembly', 'the guest runs JavaScript only.'],
]);

/** The labels that the guest's TextDecoder accepts, as its prelude defines them. */
export const decodedLabels: ReadonlySet<string> = members(
  'utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8 utf-16le utf-16 ucs-2 unicode iso-10646-ucs-2 csunicode ' +
    'unicodefeff utf-16be unicodefffe windows-1252 cp1252 x-cp1252 ascii us-ascii ansi_x3.4-1968 latin1 l1 iso-8859-1 iso8859-1 iso88591 ' +
    'iso_8859-1 iso_8859-1:1987 iso-ir-100 csisolatin1 cp819 ibm819',
);

/** The members of the globals that are always there. A call of any other gets a warning. */
export const membersOf: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  [
    'process',
    members(
      'env platform arch title pid ppid version versions release argv execArgv execPath stdout stderr nextTick hrtime uptime cwd emitWarning exit ' +
        'getuid geteuid getgid getegid getgroups umask features config exitCode ' +
        'on once off addListener prependListener removeListener removeAllListeners emit listeners listenerCount setMaxListeners',
    ),
  ],
  [
    'performance',
    members(
      'now timeOrigin mark measure getEntries getEntriesByName getEntriesByType clearMarks clearMeasures clearResourceTimings setResourceTimingBufferSize toJSON',
    ),
  ],
  ['crypto', members('getRandomValues randomUUID subtle')],
  [
    'console',
    members(
      'log info debug warn error trace dir dirxml table assert group groupCollapsed groupEnd time timeLog timeEnd count countReset clear timeStamp ' +
        'profile profileEnd',
    ),
  ],
]);

/** The static members of the classes that shims give. A call of any other gets a warning. */
export const staticsOf: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['URL', statics('canParse parse')],
  ['Response', statics('error json redirect')],
  ['AbortSignal', statics('abort any timeout')],
  ['ReadableStream', statics('from')],
  [
    'Buffer',
    statics(
      'alloc allocUnsafe allocUnsafeSlow byteLength compare concat copyBytesFrom from isBuffer isEncoding of poolSize',
    ),
  ],
]);

function given(names: string, files: string): [string, string[]][] {
  return names.split(' ').map((name) => [name, files.split(' ')]);
}
function named(names: string, why: string): [string, string][] {
  return names.split(' ').map((name) => [name, why]);
}
function statics(names: string): ReadonlySet<string> {
  return new Set([...names.split(' '), ...Object.getOwnPropertyNames(Function.prototype), 'prototype']);
}
function members(names: string): ReadonlySet<string> {
  return new Set([...names.split(' '), ...Object.getOwnPropertyNames(Object.prototype)]);
}
