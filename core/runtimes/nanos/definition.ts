import type { RuntimeDefinition } from '#core/runtime/runtime.ts';
import { hasDiagnostics } from './diagnostics.ts';
import { nanosConfigOf, nanosOptions } from './options.ts';
import shipped from './shipped.json' with { type: 'json' };

export interface NanosDefinitionOptions {
  /** The server of official releases. Shape: a URL that ends with a slash. Default: the vendor's own server. */
  readonly releasesUrl?: string | undefined;
}

/** Node.js functions and Linux programs on Nanos. */
export function defineNanos({ releasesUrl }: NanosDefinitionOptions = {}): RuntimeDefinition {
  return {
    id: 'nanos',
    title: 'Nanos',
    description: 'Runs Node.js and any Linux program: Python, Go, Rust, C.',
    // Node.js on Nanos starts in some 120 MiB; the function itself needs room too.
    defaultMemoryMiB: 256,
    runsPrograms: true,
    handlerGlobals: 'node',
    options: nanosOptions,
    kernels: {
      description:
        'A release is a kernel and its libraries (klibs). Functions on Nanos are built with the one in use, unless firstlight.json names another.',
      moduleWord: 'klibs',
      localBuild: 'a directory or tarball with kernel.img, boot.img and klibs, or a built source tree',
      releaseOption: 'release',
      modulesOption: 'klibs',
    },
    opsConfig: async () => (await import('./ops/ops-config.ts')).opsConfig,
    printsDiagnostics: (config) => hasDiagnostics(nanosConfigOf(config)),
    create: async ({ layout, resources, volumes, env, emit, log }) => {
      const [{ createDirectBoot }, { createNanosRuntime }, { createReleases }] = await Promise.all([
        import('./boot/direct-boot.ts'),
        import('./nanos-runtime.ts'),
        import('./releases/releases.ts'),
      ]);
      const releases = createReleases({
        layout,
        baseUrl: releasesUrl,
        onChange: (list) => emit('kernels:changed', { runtime: 'nanos', releases: list }),
        log,
      });
      const directBoot = createDirectBoot({ layout, log });
      const functionServerPath = resources.pathOf(shipped.functionServer);
      return createNanosRuntime({
        layout,
        releases,
        volumes,
        directBoot,
        functionServerPath,
        env,
      });
    },
  };
}
