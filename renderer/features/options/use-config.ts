import { useEffect, useMemo } from 'react';
import type { z } from 'zod';
import type { Json } from '#shared/model/json.ts';
import { acceptedFileSchemaFor, type Project } from '#shared/model/project.ts';
import { readRuntimeSections } from '#shared/model/runtime-options.ts';
import { useSession, useStudio } from '../../bind/studio.tsx';
import { configPath, readConfig } from '../../state/config-text.ts';
import { type Doc, docKey } from '../../state/session.ts';
import { wordsOf } from './fields.ts';

export interface OpenConfig {
  readonly doc: Doc | undefined;
  /** Null while the text is not JSON. */
  readonly value: { readonly [key: string]: Json } | null;
  /** The problems by place (parts joined by a dot). */
  readonly problems: ReadonlyMap<string, string>;
}

/** firstlight.json as it is being edited, read when it is not open yet. */
export function useConfig(project: Project): OpenConfig {
  const studio = useStudio();
  const doc = useSession((state) => state.docs[docKey(project.id, configPath)]);
  useEffect(() => void studio.config.load(project.id), [studio, project.id]);
  const text = doc?.status === 'ready' ? doc.text : null;
  const runtimes = useSession((state) => state.runtimes);
  const schema = useMemo(() => acceptedFileSchemaFor(readRuntimeSections(runtimes)), [runtimes]);
  return useMemo(() => {
    const value = text === null ? null : readConfig(text);
    return { doc, value, problems: value === null ? new Map() : problemsOf(value, schema) };
  }, [doc, text, schema]);
}

function problemsOf(value: Json, schema: z.ZodType): ReadonlyMap<string, string> {
  const problems = new Map<string, string>();
  for (const issue of schema.safeParse(value).error?.issues ?? []) {
    const path = issue.path.map(String);
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) problems.set([...path, key].join('.'), 'No such option');
    } else if (!problems.has(path.join('.'))) problems.set(path.join('.'), wordsOf(issue));
  }
  return problems;
}
