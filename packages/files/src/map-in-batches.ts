/** So many at once keep the file system busy, and stay far under the number of files that a process may have open. */
const atOnce = 64;

/** What `work` gives for each item, in their order. For work on files: some of it at once. */
export async function mapInBatches<In, Out>(items: readonly In[], work: (item: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = [];
  for (let at = 0; at < items.length; at += atOnce) {
    results.push(...(await Promise.all(items.slice(at, at + atOnce).map(work))));
  }
  return results;
}
