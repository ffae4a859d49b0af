/** The objects beside the one that runs a function, as they were before a deploy: so that it can be taken back whole. */
import { isDeepStrictEqual } from 'node:util';
import { toFirstlightError } from '#shared/errors.ts';
import { routeKinds } from './check-route.ts';
import { applyObject, type Cluster, nullIfMissing, pathOf, pluralOf } from './cluster.ts';
import type { KubeObject } from './kube/objects.ts';
import { fieldManager } from './names.ts';
import { isOurs, removeOwned } from './remove-owned.ts';
import { secretNameOf } from './secrets.ts';

const secrets = 'secrets';
/** What goes away by a deploy that has no use for it. */
const optionalKinds: readonly string[] = ['horizontalpodautoscalers', ...routeKinds];
const kinds = [secrets, 'services', ...optionalKinds];

export interface Parts {
  /** True where a part of before has no place among the objects. */
  readonly hasOthers: (objects: readonly KubeObject[]) => boolean;
  /** Removes those. Errors: CLUSTER_*. */
  readonly removeOthers: (objects: readonly KubeObject[], signal: AbortSignal) => Promise<void>;
  /**
   * Takes back what the deploy has changed: its objects, and the function's Secret. Shape: what could not be restored, in
   * sentences for a person.
   */
  readonly restore: (objects: readonly KubeObject[], hasSecret: boolean) => Promise<readonly string[]>;
}

/** Null: there was none. `denied`: one may not look. */
type Seen = KubeObject | null | 'denied';

/** Reads the parts of a function. Errors: CLUSTER_*. */
export async function readParts(cluster: Cluster, name: string, signal: AbortSignal): Promise<Parts> {
  const nameIn = (kind: string) => (kind === secrets ? secretNameOf(name) : name);
  const read = (kind: string, readSignal?: AbortSignal) => readPart(cluster, kind, nameIn(kind), readSignal);
  const before = new Map(
    await Promise.all(kinds.map(async (kind): Promise<[string, Seen]> => [kind, await read(kind, signal)])),
  );
  const others = (objects: readonly KubeObject[]) => {
    const wanted = objects.map(pluralOf);
    return optionalKinds.filter((kind) => {
      const was = before.get(kind) ?? null;
      return !wanted.includes(kind) && was !== null && was !== 'denied' && isOurs(was);
    });
  };

  async function restorePart(kind: string): Promise<void> {
    const was = before.get(kind) ?? null;
    if (was === null) return await removeOwned(cluster, kind, nameIn(kind));
    const is = await read(kind);
    if (was === 'denied' || is === 'denied') throw new Error('you may not look at it');
    if (is === null || !isDeepStrictEqual(ownFields(was), ownFields(is))) {
      await applyObject(cluster, ownFields(was), { force: true });
    }
  }

  return {
    hasOthers: (objects) => others(objects).length > 0,
    removeOthers: async (objects, removeSignal) => {
      for (const kind of others(objects)) await removeOwned(cluster, kind, name, removeSignal);
    },
    restore: async (objects, hasSecret) => {
      const touched = new Set([...(hasSecret ? [secrets] : []), ...objects.map(pluralOf)]);
      const left: string[] = [];
      for (const kind of kinds.filter((one) => touched.has(one))) {
        await restorePart(kind).catch((thrown: unknown) => {
          const why = thrown instanceof Error ? thrown.message : String(thrown);
          left.push(`Of ${kind}, ${nameIn(kind)} stays as this deploy made it: ${why.replace(/\.$/, '')}.`);
        });
      }
      return left;
    },
  };
}

async function readPart(cluster: Cluster, kind: string, name: string, signal?: AbortSignal): Promise<Seen> {
  try {
    return await nullIfMissing(cluster.client.json<KubeObject>(pathOf(cluster, kind, name), { signal }));
  } catch (thrown) {
    if (toFirstlightError(thrown).code === 'CLUSTER_DENIED') return 'denied';
    throw thrown;
  }
}

/** The part of an object that we apply: applying it again gives these fields their values, and lets go of others. */
function ownFields(object: KubeObject): KubeObject {
  const { apiVersion = '', kind = '', metadata } = object;
  const own = metadata.managedFields?.find(
    ({ manager, operation }) => manager === fieldManager && operation === 'Apply',
  )?.fieldsV1;
  const fields = own === undefined ? {} : (pick(object, own) as Partial<KubeObject>);
  const { name, namespace = '' } = metadata;
  return { ...fields, apiVersion, kind, metadata: { ...fields.metadata, name, namespace } };
}

/** Source: Kubernetes' FieldsV1: `f:NAME` is a field, with those within it; a list or an atomic map is taken whole. */
function pick(value: unknown, fields: Readonly<Record<string, unknown>>): unknown {
  const names = Object.keys(fields).filter((key) => key.startsWith('f:'));
  if (names.length === 0 || typeof value !== 'object' || value === null) return value;
  const from = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    names
      .map((key): [string, string] => [key, key.slice(2)])
      .filter(([, name]) => name in from)
      .map(([key, name]) => [name, pick(from[name], (fields[key] ?? {}) as Readonly<Record<string, unknown>>)]),
  );
}
