/** The proxy on the way to a cluster. Source: client-go and golang.org/x/net/http/httpproxy, which kubectl uses. */
import { BlockList, isIP } from 'node:net';
import { FirstlightError } from '#shared/errors.ts';

/**
 * The proxy that a kubeconfig names for a cluster, else that of the environment; undefined without one. The exceptions
 * of `NO_PROXY` are those of the environment's. Errors: TARGET_INVALID for one that is no address, or not supported.
 */
export function chooseProxy(server: URL, named: string | undefined, env: NodeJS.ProcessEnv): URL | undefined {
  if (named !== undefined && named !== '') return parseProxy(named, 'The kubeconfig');
  const [variable, value] = readEither(env, server.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY');
  if (value === '' || isExcepted(server, readEither(env, 'NO_PROXY')[1])) return undefined;
  return parseProxy(/^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`, `The variable ${variable}`);
}

function readEither(env: NodeJS.ProcessEnv, name: string): readonly [string, string] {
  const found = [name, name.toLowerCase()].find((one) => env[one]) ?? name;
  return [found, env[found] ?? ''];
}

/** Errors name the host only: the address may have a password. */
function parseProxy(text: string, source: string): URL {
  if (!URL.canParse(text)) {
    throw new FirstlightError('TARGET_INVALID', `${source} names a proxy that is not an address.`, {
      hint: 'Write http://HOST:PORT or https://HOST:PORT.',
    });
  }
  const url = new URL(text);
  if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  throw new FirstlightError(
    'TARGET_INVALID',
    `${source} names a proxy by ${url.protocol}//${url.host}, which is not supported.`,
    { hint: 'Name one by http:// or https://, or reach the cluster without a proxy.', details: { subject: url.host } },
  );
}

const withoutBrackets = (host: string) => host.replace(/^\[(.*)\]$/, '$1');

function isExcepted(server: URL, exceptions: string): boolean {
  const host = withoutBrackets(server.hostname).toLowerCase();
  const family = isIP(host);
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');
  if (host === 'localhost' || (family !== 0 && loopback.check(host, family === 6 ? 'ipv6' : 'ipv4'))) return true;
  const port = server.port || (server.protocol === 'https:' ? '443' : '80');
  return exceptions
    .split(',')
    .map((one) => one.trim().toLowerCase())
    .some((one) => one !== '' && (one === '*' || covers(one, host, port)));
}

/** Shape of an exception: an address, a network (`10.0.0.0/8`), a domain (`a.b` with all below, `.a.b` only these). */
function covers(exception: string, host: string, port: string): boolean {
  const family = isIP(host);
  const [, network = '', bits = ''] = /^([0-9a-f:.]+)\/(\d{1,3})$/.exec(exception) ?? [];
  const networkFamily = isIP(network);
  if (networkFamily !== 0) {
    if (networkFamily !== family || Number(bits) > (family === 6 ? 128 : 32)) return false;
    const list = new BlockList();
    const type = family === 6 ? 'ipv6' : 'ipv4';
    list.addSubnet(network, Number(bits), type);
    return list.check(host, type);
  }
  const [, named = exception, ownPort = ''] = isIP(exception) === 0 ? (/^(.+?)(?::(\d+))?$/.exec(exception) ?? []) : [];
  if (ownPort !== '' && ownPort !== port) return false;
  const name = withoutBrackets(named).replace(/^\*\./, '.');
  if (isIP(name) !== 0 || family !== 0) return name === host;
  return name.startsWith('.') ? host.endsWith(name) : host === name || host.endsWith(`.${name}`);
}
