import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** What runs in the guest is text here, as in the bundles of build/bundle.mjs. */
const preludeAsText = {
  name: 'prelude-as-text',
  enforce: 'pre' as const,
  load: (id: string) =>
    id.endsWith('.prelude.js') ? `export default ${JSON.stringify(readFileSync(id, 'utf8'))};` : undefined,
};

/** Tests that need what set-up prepares: libvirt, QEMU, a browser, the guest kernel or the bundles in dist/. */
const systemTests = [
  'test/{cluster,contract,e2e,integration,soak}/**/*.test.ts',
  'test/bench/benches.test.ts',
  'guest/test/**/*.test.ts',
  'packages/node-libvirt/src/real.test.ts',
  'core/projects/templates.test.ts',
  'core/runtimes/nanos/nanos-build.test.ts',
  'core/runtimes/nanos/guest/serve-function.test.ts',
  'core/runtimes/nanos/session/call-function.test.ts',
];

/** Tests that take seconds of processor time: they run compilers, QEMU's tools or bundles of whole packages, or random inputs. */
const heavyTests = [
  'test/fuzz/**/*.test.ts',
  'test/packages/**/*.test.ts',
  'build/packager/packages.test.ts',
  'core/bundle/testing/packages.test.ts',
  'core/bundle/testing/wpt.test.ts',
  'packages/elf/src/**/*.test.ts',
  'packages/disk/src/**/*.test.ts',
  'packages/tfs/src/**/*.test.ts',
  'packages/oci/src/push/**/*.test.ts',
  // They start the compiler.
  'core/bundle/{beside,bound-build,bundle-program,bundler,bundler-errors,compiler-death,globals,lambda}.test.ts',
  'core/bundle/{map-stack,node-members,outside-files,whole-globals}.test.ts',
  'core/bundle/{package-maps,tsconfig,warn-of-decorators,warn-of-platforms,warn-of-processes,web-crypto,web-globals}.test.ts',
  'core/store/{console-log,store-faults}.test.ts',
  'core/images/**/*.test.ts',
  'core/runtimes/nanos/guest/serve-http.test.ts',
  'core/runtimes/nanos/releases/{official,releases}.test.ts',
  'cli/commands/kernel.test.ts',
  'core/imports/imports.test.ts',
  'core/volumes/volumes.test.ts',
  'core/runtimes/nanos/crash/decode-crash.test.ts',
];

const exclude = ['**/node_modules/**', 'dist/**', '.cache/**'];

/**
 * A project whose files need npm's packages only (`heavy`: compilers and QEMU's tools too). `maxWorkers`: the files of
 * `unit` wait for timers and sockets most of their time, so six of them keep two cores busy (30 s; 43 s with two); those
 * of `heavy` compute.
 */
const besideTheCode = (name: string, groupOrder: number, maxWorkers: number, include: string[], others: string[]) => ({
  extends: true as const,
  test: {
    name,
    include,
    exclude: [...exclude, ...others],
    // Starting a process for each file takes longer than most files do.
    isolate: false,
    maxWorkers,
    sequence: { groupOrder },
  },
});

export default defineConfig({
  plugins: [preludeAsText],
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source', 'node', 'import', 'default'] } },
  test: {
    experimental: { fsModuleCache: true },
    env: { NODE_ENV: 'test' },
    // A test that asserts nothing proves nothing.
    expect: { requireAssertions: true },
    hookTimeout: 60_000,
    testTimeout: 30_000,
    projects: [
      besideTheCode('unit', 0, 6, ['**/*.test.{ts,tsx}'], [...heavyTests, ...systemTests]),
      besideTheCode('heavy', 1, 2, heavyTests, systemTests),
      {
        extends: true,
        test: {
          name: 'system',
          include: systemTests,
          exclude,
          // Real libvirt, QEMU and Chromium share two cores: a file at a time keeps their time-outs meaningful.
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
