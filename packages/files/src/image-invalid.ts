import { FirstlightError } from '../../../shared/errors.ts';

/**
 * The error of an image that is damaged, or is none.
 *
 * Shape: `what` is a clause ("the log ends"). Units: `at` counts bytes from the start of what `path` names; absent where no
 * single byte is wrong.
 */
export function imageInvalid(path: string, what: string, at?: number): FirstlightError {
  const place = at === undefined ? '' : ` at byte ${at}`;
  return new FirstlightError('IMAGE_INVALID', `${path} is damaged or no image: ${what}${place}.`, {
    hint: 'Build it again, or copy it again from where it came from.',
    details: { subject: path },
  });
}
