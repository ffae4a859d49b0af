/** Prelude sources are bundled as text. */
declare module '*.prelude.js' {
  const source: string;
  export default source;
}
