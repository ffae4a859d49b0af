import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

const kinds: Readonly<Record<string, string>> = {
  string: 'text in double quotes',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  record: 'an object',
};

/** The expectation of an issue of firstlight.json's schema, as the words after "must be". */
export function wantedWords(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return kinds[issue.expected] ?? `an ${issue.expected}`;
    case 'too_small':
      return issue.origin === 'string' ? 'a text that is not empty' : `at least ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `at most ${issue.maximum}`
        : `of at most ${issue.maximum} ${issue.origin === 'string' ? 'characters' : 'entries'}`;
    case 'invalid_value':
      return issue.values.map((value) => JSON.stringify(value)).join(' or ');
    case 'invalid_key':
      return issue.issues.map(wantedWords).join(', ');
    case 'invalid_union':
      return unionWords(issue);
    default:
      return issue.message;
  }
}

function unionWords(issue: z.core.$ZodIssueInvalidUnion): string {
  const { options } = issue as { readonly options?: readonly unknown[] };
  if (options !== undefined) return options.map((value) => JSON.stringify(value)).join(' or ');
  const branches = issue.errors.flatMap((branch) => branch.slice(0, 1).map(wantedWords));
  return [...new Set(branches)].join(', or ');
}
