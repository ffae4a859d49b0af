import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The renderer as static files that a strict CSP serves: no inline script, every worker its own file, nothing fetched. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  plugins: [react()],
  build: {
    outDir: fileURLToPath(new URL('../dist/renderer', import.meta.url)),
    emptyOutDir: true,
    target: 'chrome120',
    modulePreload: { polyfill: false },
    // The TypeScript worker alone is 6 MB; it is loaded after first paint, from the same machine.
    chunkSizeWarningLimit: 10_000,
  },
  worker: { format: 'es' },
});
