/** The directories of the store: those of `@firstlight/files`, with a schema for the manifest and the errors that people see. */
import { createDirectoryStore as createStore, type DirectoryStore, FormatError } from '@firstlight/files';
import type { z } from 'zod';
import { type Layout, readableFileMode } from './layout.ts';
import { systemCode, toStoreError } from './store-error.ts';

export interface DirectoryStoreOptions<Schema extends z.ZodType> {
  readonly layout: Layout;
  /** The folder that has the directories. */
  readonly root: string;
  /** The kind of a directory, for temporary names and messages: `image`. */
  readonly kind: string;
  /** Permission bits of a directory. Default: 0755, since QEMU may run as another user. */
  readonly mode?: number;
  /** Permission bits of a manifest. Default: 0644, for the same reason. */
  readonly manifestMode?: number;
  readonly manifestName: string;
  readonly schema: Schema;
  /** True for the name of a directory of this store. */
  readonly isName: (name: string) => boolean;
  /** True when a directory matches its manifest. A crash may have left it incomplete. */
  readonly isWhole: (dir: string, manifest: z.output<Schema>, name: string) => Promise<boolean>;
  /** Saves the useful parts of a temporary directory that a killed process left. */
  readonly onAbandoned?: (dir: string) => Promise<void>;
}

/** The directories in `root`. Errors of its functions: DISK_FULL, STORE_UNUSABLE, CANCELLED; as the work that it is given. */
export function createDirectoryStore<Schema extends z.ZodType>(
  options: DirectoryStoreOptions<Schema>,
): DirectoryStore<z.output<Schema>> {
  const { layout, root, kind, mode = 0o755, manifestMode = readableFileMode, schema, ...others } = options;
  const store = createStore<z.output<Schema>>({
    ...others,
    root,
    kind,
    mode,
    manifestMode,
    prepare: () => layout.ensure(root),
    parse: (json) => schema.safeParse(json).data,
  });
  const inStore =
    <Inputs extends unknown[], Result>(work: (...inputs: Inputs) => Promise<Result>) =>
    (...inputs: Inputs): Promise<Result> =>
      work(...inputs).catch((thrown: unknown) => {
        throw isOurs(thrown) ? toStoreError(thrown, `use the ${kind} in`, root) : thrown;
      });
  return {
    ...store,
    find: inStore(store.find),
    publish: inStore(store.publish),
    publishNew: inStore(store.publishNew),
    withdraw: inStore(store.withdraw),
    remove: inStore(store.remove),
    withTemp: (work) => inStore(() => store.withTemp(work))(),
  };
}

/** True for an abort, and for errors of the system and of the format packages; others do not come from the store. */
const isOurs = (thrown: unknown): boolean =>
  thrown instanceof FormatError ||
  (thrown instanceof Error && thrown.name === 'AbortError') ||
  /^E[A-Z0-9]+$/.test(systemCode(thrown) ?? '');
