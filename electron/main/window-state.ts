import { readFileSync } from 'node:fs';
import type { Rectangle } from 'electron';
import { z } from 'zod';
import { writeAtomic } from '#core/store/write-atomic.ts';

const stateSchema = z.strictObject({
  bounds: z.strictObject({
    x: z.number().int(),
    y: z.number().int(),
    width: z.number().int().min(640).max(16_384),
    height: z.number().int().min(400).max(16_384),
  }),
  maximized: z.boolean(),
});
export type WindowState = z.output<typeof stateSchema>;

/** The part of a window that must be on a screen so that a person can find and move it. Units: device-independent pixels. */
const grabbablePx = { width: 120, height: 40 };

/**
 * The window's last place, or null: at the first start, when the file is broken, or when no screen shows that place.
 *
 * Shape: `workAreas` are those of the current screens.
 */
export function readWindowState(path: string, workAreas: readonly Rectangle[]): WindowState | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // The first start, or a folder we may not read: the window opens at its default place.
    return null;
  }
  const parsed = stateSchema.safeParse(parseJson(text));
  return parsed.success && workAreas.some((area) => canGrab(parsed.data.bounds, area)) ? parsed.data : null;
}

/** Keeps the window's place, whole or not at all. Errors: DISK_FULL, STORE_UNUSABLE. */
export async function writeWindowState(path: string, state: WindowState): Promise<void> {
  await writeAtomic(path, JSON.stringify(state), { durable: false });
}

/** Whether the top of a window, where its title bar is, is in an area. */
function canGrab(window: Rectangle, area: Rectangle): boolean {
  const overlap = Math.min(window.x + window.width, area.x + area.width) - Math.max(window.x, area.x);
  const below = area.y + area.height - window.y;
  return overlap >= grabbablePx.width && window.y >= area.y && below >= grabbablePx.height;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The file was cut short by a full disk, or edited by hand: it counts as missing.
    return null;
  }
}
