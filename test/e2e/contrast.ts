/**
 * The texts of a page whose contrast with their background is under 4.5:1.
 *
 * It runs in the page, so it uses no outside code. Disabled elements, and those drawn by Monaco, xterm.js or a canvas,
 * are left out.
 */
export function lowContrast(): string[] {
  const parse = (color: string): [number, number, number, number] => {
    const srgb = /^color\(srgb ([\d.]+) ([\d.]+) ([\d.]+)(?: \/ ([\d.]+))?/.exec(color);
    if (srgb !== null)
      return [Number(srgb[1]) * 255, Number(srgb[2]) * 255, Number(srgb[3]) * 255, Number(srgb[4] ?? 1)];
    const [r = 0, g = 0, b = 0, a = 1] = (color.match(/[\d.]+/g) ?? []).map(Number);
    return [r, g, b, a];
  };
  const luminance = ([r, g, b]: readonly number[]) => {
    const linear = [r ?? 0, g ?? 0, b ?? 0].map((value) => {
      const share = value / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * (linear[0] ?? 0) + 0.7152 * (linear[1] ?? 0) + 0.0722 * (linear[2] ?? 0);
  };
  const over = (top: readonly number[], under: readonly number[]) => {
    const alpha = top[3] ?? 1;
    return [0, 1, 2].map((channel) => (top[channel] ?? 0) * alpha + (under[channel] ?? 0) * (1 - alpha));
  };
  const found: string[] = [];
  for (const element of document.querySelectorAll<HTMLElement>('body *')) {
    const text = [...element.childNodes]
      .filter((node) => node.nodeType === Node.TEXT_NODE)
      .map((node) => node.textContent?.trim())
      .join('');
    if (
      text === '' ||
      element.closest(
        '.monaco-editor, .monaco-aria-container, .xterm, .sr-only, :disabled, [aria-hidden="true"], script, style',
      )
    )
      continue;
    const box = element.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) continue;
    const layers: [number, number, number, number][] = [];
    for (let node: HTMLElement | null = element; node !== null; node = node.parentElement)
      layers.push(parse(getComputedStyle(node).backgroundColor));
    const behind = layers.reverse().reduce<number[]>((under, layer) => over(layer, under), [255, 255, 255]);
    // The layer behind it draws this: the event's coloured text.
    if (parse(getComputedStyle(element).color)[3] === 0) continue;
    const ink = over(parse(getComputedStyle(element).color), behind);
    const [light, dark] = [luminance(ink), luminance(behind)].sort((a, b) => b - a) as [number, number];
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${element.className || element.tagName}: ${text.slice(0, 40)}`);
  }
  return found;
}
