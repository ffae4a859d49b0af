import type { JSONPath } from 'jsonc-parser';
import { createContext, useContext } from 'react';
import type { Json } from '#shared/model/json.ts';

/** The shared data of all rows of the form. */
export interface OptionsForm {
  /** firstlight.json as it is being edited. */
  readonly value: Json;
  /** Its problems, by place. */
  readonly problems: ReadonlyMap<string, string>;
  readonly query: string;
  readonly set: (path: JSONPath, value: Json | undefined) => void;
  /** Values to choose from for an option: the releases of a kernel, or the parts of the one in use. */
  readonly suggest: (path: string) => readonly string[];
}

export const OptionsFormContext = createContext<OptionsForm | null>(null);

/** Errors: throws outside the form, which is a defect. */
export function useOptionsForm(): OptionsForm {
  const form = useContext(OptionsFormContext);
  if (form === null) throw new Error('useOptionsForm outside the options form');
  return form;
}
