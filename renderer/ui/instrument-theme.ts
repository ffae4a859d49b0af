import { useLayoutEffect, useState } from 'react';

/** The design tokens of a theme. Shape: `get` takes a custom property's name, such as `--bg`. */
export interface Tokens {
  readonly theme: 'light' | 'dark';
  readonly get: (name: string) => string;
}

/**
 * The design tokens as they are now, for drawing where CSS does not reach (canvas). The object's identity changes with
 * the theme, so it serves as a dependency.
 */
export function useTokens(theme: 'light' | 'dark'): Tokens {
  const [tokens, setTokens] = useState<Tokens>(() => readTokens(theme));
  useLayoutEffect(() => {
    const refresh = () => setTokens(readTokens(theme));
    refresh();
    // The page's own code may set data-theme after this effect ran.
    const observer = new MutationObserver(refresh);
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    return () => observer.disconnect();
  }, [theme]);
  return tokens;
}

function readTokens(theme: 'light' | 'dark'): Tokens {
  const style = getComputedStyle(document.documentElement);
  const known = new Map<string, string>();
  return {
    theme,
    get: (name) => {
      const found = known.get(name);
      if (found !== undefined) return found;
      const value = widenColour(style.getPropertyValue(name).trim());
      known.set(name, value);
      return value;
    },
  };
}

/** `#fff` as `#ffffff`, anything else as it is: a CSS minifier shortens colours, and not all code accepts that. */
export const widenColour = (value: string): string =>
  /^#[0-9a-f]{3}$/i.test(value) ? value.replace(/[0-9a-f]/gi, '$&$&') : value;

/** Black or near-white ink: the one with more contrast on `colour`. Shape: `colour` is `#rrggbb`. */
export function inkOn(colour: string): string {
  const luminance = relativeLuminance(colour);
  const onDark = 1.05 / (luminance + 0.05);
  const onLight = (luminance + 0.05) / 0.0555;
  return onDark > onLight ? '#ffffff' : '#101216';
}

function relativeLuminance(colour: string): number {
  const channel = (start: number) => {
    const value = Number.parseInt(colour.slice(start, start + 2), 16) / 255;
    return value <= 0.040_45 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

/** `#rrggbb` with an opacity from 0 to 1. */
export function withAlpha(colour: string, alpha: number): string {
  const byte = Math.round(Math.min(1, Math.max(0, alpha)) * 255);
  return `${colour.slice(0, 7)}${byte.toString(16).padStart(2, '0')}`;
}
