/** The class names that apply, as the value of `className`. */
export const joinClasses = (...names: readonly (string | false | undefined)[]): string =>
  names.filter((name) => name !== false && name !== undefined).join(' ');
