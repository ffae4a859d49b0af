// The graph of imports among the TypeScript files of the project, and the cycles in it.
import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { listImports, listSources, resolveImport } from './layers.mjs';

/**
 * Every import under `root`, types and dynamic imports included.
 *
 * Shape: `target` is a file of ours relative to `root`, or a package's or Node module's name.
 *
 * @returns {{ path: string, line: number, specifier: string, target: string }[]}
 */
export function readImports(parseSync, root) {
  const findEntry = createEntryFinder(root);
  return listSources(root).flatMap((path) =>
    listImports(parseSync, path, readFileSync(join(root, path), 'utf8')).map(({ specifier, line }) => {
      const target = resolveImport(path, specifier);
      return { path, line, specifier, target: findEntry(target) ?? target };
    }),
  );
}

/** A function that returns the source file for an import of one of our packages (`@firstlight/tar`, `…/testing`). */
function createEntryFinder(root) {
  const manifests = new Map();
  const readManifest = (folder) => {
    if (!manifests.has(folder)) {
      const path = join(root, folder, 'package.json');
      manifests.set(folder, existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined);
    }
    return manifests.get(folder);
  };
  return (target) => {
    const [, name, rest] = /^(?:@firstlight\/)?([a-z0-9-]+)(\/.+)?$/.exec(target) ?? [];
    const folder = `packages/${name}`;
    const manifest = name && readManifest(folder);
    const entry = manifest?.exports?.[`.${rest ?? ''}`]?.source;
    return entry ? posix.join(folder, entry) : undefined;
  };
}

/**
 * The cycles of a graph: one shortest cycle for each group of files that reach each other.
 *
 * Shape: `members` is sorted, `cycle` is in import order.
 *
 * @param {{ path: string, target: string }[]} edges
 * @returns {{ members: string[], cycle: string[] }[]}
 */
export function findCycles(edges) {
  const graph = new Map();
  for (const { path, target } of edges) {
    if (!graph.has(path)) graph.set(path, new Set());
    graph.get(path).add(target);
  }
  return findComponents(graph)
    .filter((members) => members.length > 1 || graph.get(members[0])?.has(members[0]))
    .map((members) => ({ members: members.sort(), cycle: shortestCycle(graph, new Set(members)) }))
    .sort((a, b) => a.members[0].localeCompare(b.members[0]));
}

/** Tarjan's strongly connected components, without recursion: the graph may be deeper than the stack. */
function findComponents(graph) {
  const order = new Map();
  const low = new Map();
  const stack = [];
  const onStack = new Set();
  const components = [];
  const enter = (node) => {
    order.set(node, order.size);
    low.set(node, order.get(node));
    stack.push(node);
    onStack.add(node);
    return { node, next: [...(graph.get(node) ?? [])] };
  };
  for (const start of graph.keys()) {
    if (order.has(start)) continue;
    const frames = [enter(start)];
    while (frames.length > 0) {
      const { node, next } = frames.at(-1);
      const target = next.pop();
      if (target === undefined) {
        frames.pop();
        const parent = frames.at(-1)?.node;
        if (parent !== undefined) low.set(parent, Math.min(low.get(parent), low.get(node)));
        if (low.get(node) === order.get(node)) {
          const component = stack.splice(stack.indexOf(node));
          for (const member of component) onStack.delete(member);
          components.push(component);
        }
      } else if (!order.has(target)) frames.push(enter(target));
      else if (onStack.has(target)) low.set(node, Math.min(low.get(node), order.get(target)));
    }
  }
  return components;
}

/** The shortest cycle within a strongly connected component, found breadth first from each of its members. */
function shortestCycle(graph, members) {
  let best;
  for (const start of members) {
    const cameFrom = new Map();
    const queue = [start];
    for (let node = queue.shift(); node !== undefined && !cameFrom.has(start); node = queue.shift()) {
      for (const target of graph.get(node) ?? []) {
        if (!members.has(target) || cameFrom.has(target)) continue;
        cameFrom.set(target, node);
        queue.push(target);
      }
    }
    const cycle = [start];
    for (let node = cameFrom.get(start); node !== start; node = cameFrom.get(node)) cycle.unshift(node);
    if (!best || cycle.length < best.length) best = cycle;
  }
  return best;
}
