/** A dictionary of options. Errors: TypeError for what is none. */
export function optionsOf<Options extends object>(given: Options | null | undefined): Partial<Options> {
  if (given !== null && given !== undefined && typeof given !== 'object' && typeof given !== 'function') {
    throw new TypeError('Options are an object.');
  }
  return given ?? {};
}
