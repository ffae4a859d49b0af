import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** What runs in the guest is text here, as in the bundles of build/bundle.mjs. */
const preludeAsText = {
  name: 'prelude-as-text',
  enforce: 'pre' as const,
  load: (id: string) =>
    id.endsWith('.prelude.js') ? `export default ${JSON.stringify(readFileSync(id, 'utf8'))};` : undefined,
};

export default defineConfig({
  plugins: [preludeAsText],
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source', 'node', 'import', 'default'] } },
  test: {
    include: ['**/*.test.{ts,tsx}'],
    exclude: ['**/node_modules/**', 'dist/**', '.cache/**'],
    // Real libvirt, QEMU and Chromium share two cores: a file at a time keeps their time-outs meaningful.
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    env: { NODE_ENV: 'test' },
  },
});
