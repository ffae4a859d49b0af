/** The declarations of a handler on any runtime, for an editor: the module `firstlight`, and files that are imported. */

export const handlerTypes = `// What a function may use. Written by Firstlight: changes here are lost.

declare module 'firstlight' {
  /** Any JSON value. */
  export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

  /**
   * What a function is called with: an HTTP request, or any JSON given with \`--event\`.
   *
   * \`Event<MyType>\` says what the JSON of your own event is.
   */
  export type Event<Payload = AnyEvent> = Payload;

  /** An HTTP request, or a JSON object with keys of its own. */
  export interface AnyEvent extends Partial<HttpEvent> {
    readonly [key: string]: any;
  }

  /** An HTTP request. */
  export interface HttpEvent<Body = any> {
    readonly method: string;
    /** Begins with a slash, without the query. */
    readonly path: string;
    readonly query: Readonly<Record<string, string>>;
    /** Names in lower case. */
    readonly headers: Readonly<Record<string, string>>;
    /** The JSON value of the request, or text, or null. */
    readonly body: Body;
  }

  /** About this invocation. */
  export interface Context {
    readonly functionName: string;
    /** The id of the runtime that booted. */
    readonly runtime: string;
    /** Counts this instance's invocations: \`1\` is the first after the cold start. */
    readonly invocationId: string;
  }

  /** An answer with a status and headers of its own. An object with other keys is sent as JSON, with status 200. */
  export interface Response {
    /** Default: 200. */
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
    /** Text, bytes (an \`ArrayBuffer\` or a view of one), or anything that JSON can say. */
    readonly body: Json | object | undefined;
  }

  type Answer = Response | globalThis.Response | Json | object | undefined | void;
  /** A function: the default export of the entry file. */
  export type Handler<Payload = AnyEvent> = (event: Payload, context: Context) => Answer | Promise<Answer>;
}

declare module '*.txt' {
  const text: string;
  export default text;
}
declare module '*.md' {
  const text: string;
  export default text;
}
declare module '*.html' {
  const text: string;
  export default text;
}
declare module '*.css' {
  const text: string;
  export default text;
}
declare module '*.svg' {
  const text: string;
  export default text;
}
declare module '*.bin' {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
`;
