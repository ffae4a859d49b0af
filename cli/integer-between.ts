import { InvalidArgumentError } from 'commander';

/** Reads an option's value as a whole number between two others. */
export const integerBetween = (least: number, most: number) => (text: string) => {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
};
