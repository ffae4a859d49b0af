import { z } from 'zod';

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The nesting limit: far more than handwritten data has, and few enough for every recursive reader. */
export const maxJsonDepth = 500;

/** The reason why a value is not JSON; null when it is. The check uses no recursion. */
function whyNotJson(value: unknown): string | null {
  const waiting: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value: one, depth } = next;
    if (typeof one === 'object' && one !== null) {
      if (depth >= maxJsonDepth) return `It is nested more than ${maxJsonDepth} deep.`;
      for (const inner of Object.values(one)) waiting.push({ value: inner, depth: depth + 1 });
    } else if (one !== null && !['boolean', 'string'].includes(typeof one) && !Number.isFinite(one)) {
      return `A ${typeof one} is not JSON.`;
    }
  }
  return null;
}

/** Shape: nested at most `maxJsonDepth` deep. */
export const jsonSchema = z.unknown().superRefine((value, context) => {
  const why = whyNotJson(value);
  if (why !== null) context.addIssue({ code: 'custom', message: why });
}) as unknown as z.ZodType<Json>;

/** True for the text of a JSON value. */
export function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
