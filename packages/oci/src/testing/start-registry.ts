import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** A real registry on loopback, ended by `stop`. */
export interface Registry {
  readonly host: string;
  readonly stop: () => Promise<void>;
}

/** The programs of `names` that are not installed. */
export const missingPrograms = (...names: string[]): string[] =>
  names.filter((name) => spawnSync('/bin/sh', ['-c', `command -v ${name}`]).status !== 0);

/** Starts Debian's docker-registry. Shape: `auth` is a part of its own configuration, as JSON. */
export async function startRegistry(dir: string, auth: object = {}): Promise<Registry> {
  await mkdir(dir, { recursive: true });
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const config = {
    version: '0.1',
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(dir, 'data') } },
    http: { addr: host },
    ...auth,
  };
  const path = join(dir, 'config.yml');
  // JSON is YAML.
  await writeFile(path, JSON.stringify(config));
  const child = spawn('docker-registry', ['serve', path], {
    stdio: 'ignore',
    env: { ...process.env, OTEL_TRACES_EXPORTER: 'none' },
  });
  const stop = async () => {
    const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null;
    child.kill('SIGKILL');
    await exited;
  };
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error('The registry ended at once.');
    const answer = await fetch(`http://${host}/v2/`).catch(() => null);
    if (answer !== null) return { host, stop };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await stop();
  throw new Error('The registry did not come up.');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
