const url = require('url/url.js');

function fileURLToPath(given) {
  const { protocol, pathname } = new URL(String(given));
  if (protocol !== 'file:') throw new TypeError('The URL must be of scheme file');
  return decodeURIComponent(pathname);
}
function pathToFileURL(path) {
  const made = new URL('file:///');
  made.pathname = String(path).replaceAll('%', '%25').replaceAll('\\', '%5C').replaceAll('\n', '%0A');
  return made;
}
function urlToHttpOptions({ protocol, hostname, hash, search, pathname, href, port, username, password }) {
  const auth =
    username === '' && password === ''
      ? {}
      : { auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` };
  const at = port === '' ? {} : { port: Number(port) };
  return { protocol, hostname, hash, search, pathname, path: pathname + search, href, ...at, ...auth };
}

module.exports = { ...url, URL, URLSearchParams, fileURLToPath, pathToFileURL, urlToHttpOptions };
