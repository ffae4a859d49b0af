import { badInput } from './failures.ts';

/** The variables of `--env`: `NAME=value`, or a name whose value is that of this process. Errors: BAD_INPUT. */
export function readVariables(words: readonly string[], own: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const [, name = '', given] = /^([^=]*)(?:=([\s\S]*))?$/.exec(word) ?? [];
      if (name === '') throw badInput(`"${word}" names no variable.`, 'Write --env NAME=value, or --env NAME.');
      const value = given ?? own[name];
      if (value === undefined)
        throw badInput(`The variable ${name} is not set here.`, `Give its value: --env ${name}=…`);
      return [name, value];
    }),
  );
}
