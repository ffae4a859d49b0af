// `npm run dev [-- --fake]`: the window with hot reload, on the real engine or on the fake one of test/fixtures.
// An edit of the window shows in the open page; an edit of the engine bundles it again and restarts it.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { bundleAll, bundleInputs, isTestFile, nodeModuleOptions, writeBuild } from './bundle.mjs';
import { formatMs, log } from './log.mjs';
import { root, runMain, SetupError } from './script.mjs';
import { setUp } from './setup.mjs';

const usage = 'npm run dev [-- --fake] [--port <n>] [--token <text>]';
const hostPath = join(root, '.cache/dev/dev-host.mjs');

/**
 * Starts the window's development server.
 *
 * Shape: `dir` is the checkout whose window is served; `engineOrigin` is the web host that the page connects to.
 */
export async function startWindowServer({ dir = root, engineOrigin, port = 5173 }) {
  const { createServer } = await import('vite');
  const server = await createServer({
    configFile: join(dir, 'renderer/vite.config.ts'),
    cacheDir: join(root, '.cache/vite'),
    logLevel: 'warn',
    server: {
      host: '127.0.0.1',
      port,
      // The page connects to its own origin, as the built window does, so the web host's guard holds here too.
      proxy: { '/contract': { target: engineOrigin, ws: true } },
      fs: { allow: [dir, root] },
      warmup: { clientFiles: ['./main.tsx'] },
    },
  });
  await server.listen();
  const { port: actualPort } = server.httpServer.address();
  return { origin: `http://127.0.0.1:${actualPort}`, close: () => server.close() };
}

/**
 * Starts the engine and its web host in a separate process, which ends with this one.
 *
 * Shape: `{ stop, ended }`. Errors: throws a SetupError when it ends before it serves.
 */
export async function startEngine({ fake, port, token }) {
  const env = {
    ...process.env,
    FIRSTLIGHT_DEV_PORT: String(port),
    FIRSTLIGHT_DEV_TOKEN: token,
    ...(fake && { FIRSTLIGHT_DEV_FAKE: '1' }),
  };
  const child = spawn(process.execPath, ['--enable-source-maps', hostPath], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
    env,
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    const message = 'the engine ended before it served anything; its output is above.';
    void ended.then(() => reject(new SetupError(message, 'Fix what it says; the next edit starts it again.')));
  });
  return {
    ended,
    stop: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

/** Bundles the engine and its web host, with a chunk that starts them: core finds its workers and shims in dist/. */
export async function bundleEngine({ fake }) {
  if (!fake) await bundleAll();
  const entryPoints = { 'dev-host': 'test/fixtures/dev-host.ts' };
  mkdirSync(join(root, '.cache/dev'), { recursive: true });
  await writeBuild(await import('esbuild'), { ...nodeModuleOptions, outdir: join(root, '.cache/dev'), entryPoints });
}

/** Finds a free port of the loopback interface. */
export function findFreePort() {
  return new Promise((resolve, reject) => {
    const server = createTcpServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Calls `onChange` after edits of the engine; edits that come together count as one. */
async function watchEngine(onChange) {
  const { watch } = await import('chokidar');
  const watcher = watch(
    [...bundleInputs, 'test/fixtures'].map((path) => join(root, path)),
    { ignoreInitial: true, ignored: (path) => isTestFile(path) || /\/(node_modules|dist)(\/|$)/.test(path) },
  );
  let timer;
  watcher.on('all', () => {
    clearTimeout(timer);
    // Long enough for an editor that writes several files, too short to be noticed.
    timer = setTimeout(onChange, 100);
  });
}

async function develop({ fake, port, token }) {
  const enginePort = await findFreePort();
  const engineOrigin = `http://127.0.0.1:${enginePort}`;
  await bundleEngine({ fake });
  let engine = await startEngine({ fake, port: enginePort, token });
  const window = await startWindowServer({ engineOrigin, port });
  log(`dev: ${window.origin}/#token=${token}`);
  log(`dev: ${fake ? 'the fake engine' : 'the real engine'}; edits of renderer/ show at once, Ctrl-C ends it`);

  let restarting = Promise.resolve();
  const restart = async () => {
    const startedAt = performance.now();
    try {
      await bundleEngine({ fake });
      await engine.stop();
      engine = await startEngine({ fake, port: enginePort, token });
      log(`dev: engine restarted in ${formatMs(performance.now() - startedAt)}`);
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      log(`dev: ${error.message}`);
    }
  };
  await watchEngine(() => {
    restarting = restarting.then(restart);
  });
  await new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, resolve);
  });
  await restarting;
  await Promise.all([engine.stop(), window.close()]);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await runMain(async () => {
    const options = { fake: { type: 'boolean' }, port: { type: 'string' }, token: { type: 'string' } };
    let values;
    try {
      values = parseArgs({ options }).values;
    } catch (error) {
      throw new SetupError(error.message, usage);
    }
    const port = Number(values.port ?? 5173);
    if (!Number.isInteger(port) || port < 1 || port > 65535)
      throw new SetupError(`--port takes a port number, not "${values.port}".`, usage);
    await setUp(values.fake ? 'fake' : 'run');
    const token = values.token ?? randomBytes(32).toString('hex');
    await develop({ fake: values.fake ?? false, port, token });
    process.exit(0);
  });
}
