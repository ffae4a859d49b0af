import type { z } from 'zod';

/** A call: the client sends `input`, the engine answers with `output` or an error; it may first report progress. */
export interface CallDefinition<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  readonly input: Input;
  readonly output: Output;
  /** True where an answer may take tens of MB. A client gets such answers one after another. */
  readonly isLarge: boolean;
}

/** A duplex stream of bytes that is opened with `input`. */
export interface StreamDefinition<Input extends z.ZodType = z.ZodType> {
  readonly input: Input;
}

export const call = <Input extends z.ZodType, Output extends z.ZodType>(
  input: Input,
  output: Output,
): CallDefinition<Input, Output> => ({ input, output, isLarge: false });

export const largeCall = <Input extends z.ZodType, Output extends z.ZodType>(
  input: Input,
  output: Output,
): CallDefinition<Input, Output> => ({ input, output, isLarge: true });

export const stream = <Input extends z.ZodType>(input: Input): StreamDefinition<Input> => ({ input });

/** The progress of long work. Units: `fraction` from 0 to 1, absent when unknown. */
export interface Progress {
  readonly step: string;
  readonly message: string;
  readonly fraction?: number | undefined;
}
