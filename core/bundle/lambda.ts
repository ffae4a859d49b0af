/** Calls a handler that was written for AWS Lambda, and takes its answers, as Lambda does. */
import { resolve } from 'node:path';
import type { Plugin } from 'esbuild';

const namespace = 'firstlight-lambda';
/** The name of the wrapped entry among esbuild's inputs. */
export const isWrapped = (path: string): boolean => path.startsWith(`${namespace}:`);

/** Wraps the entry. Its export `handler`, or its default export, is the handler. */
export const wrapLambda: Plugin = {
  name: namespace,
  setup: (build) => {
    build.onResolve({ filter: /./ }, ({ path, kind, resolveDir }) =>
      kind === 'entry-point' ? { path: resolve(resolveDir, path), namespace } : undefined,
    );
    build.onLoad({ filter: /./, namespace }, ({ path }) => ({
      contents: `import * as entry from ${JSON.stringify(path)};\n${wrapper}`,
      loader: 'js',
      resolveDir: '/',
    }));
  },
};

/** Runs in the guest. Source: AWS, "Working with AWS Lambda proxy integrations for HTTP APIs", payload format 2.0, with the names of 1.0 beside. */
const wrapper = `
const exported = { ...entry };
const handler = exported.handler ?? exported.default;
if (typeof handler !== 'function') throw new TypeError('The entry exports no function, neither as "handler" nor by default.');
function eventOf(event) {
  if (typeof event !== 'object' || event === null || typeof event.method !== 'string' || typeof event.path !== 'string') return event;
  const { method, path, query = {}, headers = {}, body = null } = event;
  const rawQueryString = Object.entries(query).map(([name, value]) => encodeURIComponent(name) + '=' + encodeURIComponent(value)).join('&');
  const text = body === null || typeof body === 'string' ? body : JSON.stringify(body);
  const http = { method, path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: headers['user-agent'] ?? '' };
  return {
    ...event, version: '2.0', routeKey: '$default', rawPath: path, rawQueryString, queryStringParameters: query, headers,
    httpMethod: method, requestContext: { http, stage: '$default', requestId: '1', timeEpoch: Date.now() }, body: text, isBase64Encoded: false,
  };
}
function answerOf(answer) {
  if (typeof answer !== 'object' || answer === null || answer.statusCode === undefined) return answer;
  const { statusCode, headers = {}, multiValueHeaders = {}, cookies = [], body = '', isBase64Encoded = false } = answer;
  const all = {};
  for (const [name, values] of Object.entries(multiValueHeaders ?? {})) all[name.toLowerCase()] = values.join(', ');
  for (const [name, value] of Object.entries(headers ?? {})) all[name.toLowerCase()] = String(value);
  const setCookies = [...(multiValueHeaders?.['set-cookie'] ?? multiValueHeaders?.['Set-Cookie'] ?? []), ...cookies];
  if (setCookies.length > 0) all['set-cookie'] = setCookies;
  all['content-type'] ??= 'application/json';
  return { status: Number(statusCode), headers: all, body: isBase64Encoded ? Uint8Array.from(atob(body), (char) => char.charCodeAt(0)) : body };
}
export default async function lambda(event, context) {
  const ends = Date.now() + 900_000;
  const given = { ...context, awsRequestId: context.invocationId, functionVersion: '$LATEST', callbackWaitsForEmptyEventLoop: false, getRemainingTimeInMillis: () => ends - Date.now() };
  if (handler.length < 3) return answerOf(await handler(eventOf(event), given));
  return answerOf(await new Promise((resolve, reject) => {
    const made = handler(eventOf(event), given, (error, value) => (error ? reject(error) : resolve(value)));
    if (typeof made?.then === 'function') made.then((value) => value !== undefined && resolve(value), reject);
  }));
}
`;
