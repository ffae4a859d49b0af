/** The batch size: enough to keep the file system busy, and far below a process's limit of open files. */
const atOnce = 64;

/** The results of `work` for the items, in order. For work on files: some of it runs at once. */
export async function mapInBatches<In, Out>(items: readonly In[], work: (item: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = [];
  for (let at = 0; at < items.length; at += atOnce) {
    results.push(...(await Promise.all(items.slice(at, at + atOnce).map(work))));
  }
  return results;
}
