import type { XdrReader, XdrWriter } from './xdr.ts';

/** One remote procedure: its numbers, and the encoding of its arguments and its result. */
export interface CallSpec<Args, Ret> {
  readonly name: string;
  readonly program: number;
  readonly version: number;
  readonly number: number;
  /** True when the reply opens a stream under the call's serial. */
  readonly stream: boolean;
  writeArgs(w: XdrWriter, value: Args): void;
  readArgs(r: XdrReader): Args;
  writeRet(w: XdrWriter, value: Ret): void;
  readRet(r: XdrReader): Ret;
}

/** One message that the server sends without a request. */
export interface EventSpec<Fields> {
  readonly name: string;
  readonly program: number;
  readonly version: number;
  readonly number: number;
  write(w: XdrWriter, value: Fields): void;
  read(r: XdrReader): Fields;
}
