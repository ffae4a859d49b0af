import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileTree } from '@firstlight/files';
import { writeVolume } from '@firstlight/tfs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient } from '#shared/contract/client.ts';
import { createMemoryPorts } from '#shared/contract/memory-port.ts';
import { serveSession } from '#shared/contract/session.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Project } from '#shared/model/project.ts';
import type { ImageId, InstanceId } from '#shared/model/units.ts';
import { createScriptedEngine } from '../../test/contract/scripted-engine.ts';
import { imageCalls, imageStreams } from './image-calls.ts';

let dir: string;
let path: string;
const id = 'a'.repeat(64) as never;
const project = { id: '0123456789ab', name: 'hello' } as Project;
const big = Buffer.alloc(600_000, 'big');

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-calls-'));
  path = join(dir, 'image');
  const tree = createFileTree();
  const add = (name: string, data: Buffer) =>
    tree.add(name, { kind: 'file', content: { kind: 'bytes', data }, bytes: data.length });
  add('/text', Buffer.from('grüße\n'));
  add('/binary', Buffer.from([1, 0, 255]));
  add('/big', big);
  tree.add('/link', { kind: 'symlink', target: 'text' });
  await writeVolume(path, { tree: tree.tree, digest: 'd' });
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const removed: string[] = [];
function connect(inUse: ReadonlyMap<ImageId, InstanceId> = new Map()) {
  const manifest = { version: 1, id, bundleId: id, runtime: 'nanos', bytes: 5, minMemoryMiB: 1, createdAt: 'then' };
  const images = {
    list: async () => [
      { manifest, path, projectIds: [project.id] },
      { manifest: { ...manifest, id: 'b'.repeat(64) }, path, projectIds: [] },
    ],
    locate: async (asked: string) => {
      if (asked === id) return path;
      throw new FirstlightError('NOT_FOUND', 'There is no such image.');
    },
    remove: async (asked: string) => void removed.push(asked),
    pruneImages: async (_most: number, kept: ReadonlySet<string>) => (kept.size === 0 ? 5 : 0),
  } as never;
  const engine = createScriptedEngine({
    calls: imageCalls({ images, listProjects: async () => [project], listInUse: () => inUse }),
    streams: imageStreams({ images }),
  });
  const ports = createMemoryPorts();
  serveSession(engine, ports.engine);
  return createClient(ports.client);
}

test('the images of the store are listed with the function they were last built for', async () => {
  expect(await connect().call('images:list', {})).toMatchObject([
    { id, runtime: 'nanos', functionName: 'hello', bytes: 5, path },
    { functionName: null },
  ]);
});

test('an image is read by its id or its path, and by nothing else', async () => {
  const client = connect();
  const tree = await client.call('images:tree', { image: { imageId: id } });
  expect(tree).toEqual(await client.call('images:tree', { image: { path } }));
  expect(tree.entries.map((entry) => entry.path)).toEqual(['/big', '/binary', '/link', '/text']);
  expect((await client.call('images:info', { image: { path } })).fileSystem?.log.pieces).toBe(2);
  await expect(client.call('images:tree', { image: { path: 'image' } })).rejects.toMatchObject({ code: 'BAD_INPUT' });
  await expect(client.call('images:tree', { image: { imageId: 'b'.repeat(64) } })).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
  await expect(client.call('images:extract', { image: { path }, to: 'out' })).rejects.toMatchObject({
    code: 'BAD_INPUT',
  });
});

test('a file is shown as text where it is text, and as base64 where it is not', async () => {
  const show = (file: string, maxBytes?: number) =>
    connect().call('images:text', { image: { path }, path: file, ...(maxBytes !== undefined && { maxBytes }) });
  expect(await show('/link')).toEqual({ path: '/text', bytes: 8, text: 'grüße\n', base64: null, truncated: false });
  // The third byte is the first half of a letter.
  expect(await show('/text', 3)).toMatchObject({ text: 'gr', truncated: true });
  expect(await show('/binary')).toMatchObject({ text: null, base64: 'AQD/' });
  expect((await show('/big')).text).toHaveLength(65_536);
});

test('a file’s bytes come as a stream', async () => {
  const chunks: Uint8Array[] = [];
  const read = async (file: string) => {
    const stream = connect().openStream('images:bytes', { image: { path }, path: file }, (chunk) => {
      chunks.push(Uint8Array.from(chunk));
    });
    await stream.ended;
  };
  await read('/big');
  expect(Buffer.concat(chunks).equals(big)).toBe(true);
  await expect(read('/nope')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a damaged image is reported as one over the wire', async () => {
  const bad = join(dir, 'bad');
  await writeFile(bad, 'NVMTFS'.padEnd(2000, 'x'));
  await expect(connect().call('images:tree', { image: { path: bad } })).rejects.toMatchObject({
    code: 'IMAGE_INVALID',
    exitCode: 2,
    message: expect.stringContaining('at byte 6'),
  });
});

test('an image is deleted unless an instance runs from it, and pruning leaves those in use', async () => {
  const inUse = new Map([[id as ImageId, 'hello-1' as InstanceId]]);
  await expect(connect(inUse).call('images:remove', { imageId: id as ImageId })).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringContaining('hello-1'),
  });
  expect(removed).toEqual([]);
  expect(await connect(inUse).call('images:prune', {})).toEqual({ freedBytes: 0 });
  await connect().call('images:remove', { imageId: id as ImageId });
  expect(removed).toEqual([id]);
  expect(await connect().call('images:prune', {})).toEqual({ freedBytes: 5 });
});
