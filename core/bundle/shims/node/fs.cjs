const { Buffer } = require('buffer');
const { locate, openAssets } = require('../assets.ts');
const { openShare } = require('../share.ts');

/** The folders of the guest's root, each opened when it is first read. */
const folders = { assets: openAssets, share: openShare };
const opened = {};
const open = (folder) => (opened[folder] ??= folders[folder](globalThis[Symbol.for('firstlight.assets')]));

function isThere(folder) {
  try {
    return open(folder) !== undefined;
  } catch (error) {
    if (error.code === 'ENODEV') return false;
    throw error;
  }
}

function pathOf(path) {
  const text = path instanceof Uint8Array ? Buffer.from(path).toString() : path;
  if (typeof text === 'string') return text;
  if (typeof text === 'object' && text !== null && text.protocol === 'file:') return decodeURIComponent(text.pathname);
  throw Object.assign(new TypeError('The "path" argument must be a string, a Buffer or a file: URL.'), {
    code: 'ERR_INVALID_ARG_TYPE',
  });
}

const numbers = { ENOENT: -2, ENOTDIR: -20, EISDIR: -21 };
function failure(code, words, syscall, path) {
  return Object.assign(new Error(`${code}: ${words}, ${syscall} '${path}'`), {
    errno: numbers[code],
    code,
    syscall,
    path,
  });
}

function find(given, syscall) {
  const path = pathOf(given);
  const { folder, inside } = locate(path);
  if (folder === '') return { path, names: Object.keys(folders).filter(isThere) };
  const found = Object.hasOwn(folders, folder) ? open(folder).find(inside) : undefined;
  if (found === undefined) throw failure('ENOENT', 'no such file or directory', syscall, path);
  return { path, folder, ...found };
}

const encodingOf = (options) => (typeof options === 'string' ? options : options?.encoding);

function readFileSync(path, options) {
  const { folder, file, path: named } = find(path, 'open');
  if (file === undefined) throw failure('EISDIR', 'illegal operation on a directory', 'read', named);
  const { buffer, byteLength } = open(folder).read(file);
  const bytes = Buffer.from(buffer, 0, byteLength);
  const encoding = encodingOf(options);
  return encoding ? bytes.toString(encoding) : bytes;
}

class Stats {
  constructor(size, isFolder, isLink) {
    this.size = size;
    this.isFile = () => !isFolder && !isLink;
    this.isDirectory = () => isFolder;
    this.isSymbolicLink = () => isLink;
  }
}

function statSync(path, options) {
  try {
    const { file, bytes = 0, isLink = false } = find(path, 'stat');
    return new Stats(bytes, file === undefined, isLink);
  } catch (error) {
    if (error.code === 'ENOENT' && options?.throwIfNoEntry === false) return undefined;
    throw error;
  }
}

function readdirSync(path, options) {
  const { names, path: named } = find(path, 'scandir');
  if (names === undefined) throw failure('ENOTDIR', 'not a directory', 'scandir', named);
  const below = (name) => `${named}/${name}`;
  const isFolder = (name) => statSync(below(name)).isDirectory();
  const all = options?.recursive
    ? names.flatMap((name) => [
        name,
        ...(isFolder(name) ? readdirSync(below(name), { recursive: true }).map((at) => `${name}/${at}`) : []),
      ])
    : names;
  if (!options?.withFileTypes) return [...all];
  return all.map((at) => {
    const end = at.lastIndexOf('/');
    const { isFile, isDirectory, isSymbolicLink } = statSync(below(at));
    const parentPath = end < 0 ? named : below(at.slice(0, end));
    return { name: at.slice(end + 1), parentPath, path: parentPath, isFile, isDirectory, isSymbolicLink };
  });
}

function existsSync(path) {
  try {
    find(path, 'access');
    return true;
  } catch (error) {
    // A machine without the folder is a fault of its configuration, which a "false" would hide.
    if (error.code === 'ENODEV' || error.code === 'EIO') throw error;
    return false;
  }
}

const accessSync = (path) => void find(path, 'access');

const promised =
  (call) =>
  async (...args) =>
    call(...args);

/** A function whose last argument is called with what came of it. */
const calledBack =
  (call) =>
  (...args) => {
    const done = args.pop();
    if (typeof done !== 'function') throw new TypeError('The "callback" argument must be a function.');
    promised(call)(...args).then(
      (value) => setTimeout(done, 0, null, value),
      (error) => setTimeout(done, 0, error),
    );
  };

const constants = { F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1 };
const promises = {
  readFile: promised(readFileSync),
  readdir: promised(readdirSync),
  stat: promised(statSync),
  lstat: promised(statSync),
  access: promised(accessSync),
  constants,
};

module.exports = {
  readFileSync,
  readdirSync,
  statSync,
  lstatSync: statSync,
  existsSync,
  accessSync,
  readFile: calledBack(readFileSync),
  readdir: calledBack(readdirSync),
  stat: calledBack(statSync),
  lstat: calledBack(statSync),
  access: calledBack(accessSync),
  constants,
  promises,
};
