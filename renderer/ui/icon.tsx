/** Outlines on a 16 × 16 grid, drawn with the text's colour. */
const paths = {
  function: 'M6 13c-1.6 0-1.5-1-1.3-2.2L6 4.6C6.3 3.4 6.8 3 8 3m-4 3.8h4.5M9 7l4 6m0-6-4 6',
  instances: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01',
  builds: 'M8 1.8 13.5 4.9v6.2L8 14.2 2.5 11.1V4.9zM2.7 5 8 8l5.3-3M8 8v6',
  runs: 'M8 2a6 6 0 1 1-5.6 3.9M2 2.6v3.4h3.4M8 5v3.2l2.2 1.4',
  environment:
    'M8 13.5S2.3 10.3 2.3 6.3A3 3 0 0 1 8 5.2a3 3 0 0 1 5.7 1.1c0 4-5.7 7.2-5.7 7.2zM2.5 8H5l1.2-2 1.8 4 1.3-2h4',
  play: 'M4.5 3v10l8.5-5z',
  stop: 'M4 4h8v8H4z',
  pause: 'M5 3.5v9M11 3.5v9',
  close: 'm4 4 8 8m0-8-8 8',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  deployments: 'M4.6 12.5a3 3 0 0 1-.3-6 3.9 3.9 0 0 1 7.5-.4 3.2 3.2 0 0 1-.3 6.4M8 14V8.2M5.8 10.2 8 8l2.2 2.2',
  gateway: 'M6 2.5h7.5v11H6M1.5 8H9M6.5 5.5 9 8l-2.5 2.5',
  folder: 'M1.8 4v8.5h12.4V5.5H8L6.5 4z',
  file: 'M4 1.8h5.2L12.5 5v9.2H4zM9 2v3.3h3.3',
  down: 'm4 6 4 4 4-4',
  right: 'm6 4 4 4-4 4',
  check: 'm3 8.5 3.2 3.2L13 4.8',
  warning: 'M8 2.2 14.3 13.3H1.7zM8 6.5v3.2M8 11.6h.01',
  error: 'M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8zM8 4.8v3.8M8 11h.01',
  info: 'M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8zM8 7.3v3.9M8 5h.01',
  search: 'M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zm3.3 7.8 3.5 3.5',
  trash: 'M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.5 8.8h6l.5-8.8',
  terminal: 'M2 3h12v10H2zM4.5 6l2 2-2 2M8 10h3.5',
  refresh: 'M13.5 8a5.5 5.5 0 1 1-1.6-3.9M13.5 2v3h-3',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  copy: 'M5.5 5.5h8v8h-8zM3.5 10.5h-1v-8h8v1',
  download: 'M8 2v8.5M4.5 7.2 8 10.7l3.5-3.5M2.5 13.5h11',
  undo: 'M3 6.5h6.5a3.5 3.5 0 1 1 0 7H6M5.8 3.5 2.8 6.5l3 3',
  sliders: 'M2 4.5h7M12.5 4.5H14M2 11.5h2M7.5 11.5H14M9 2.8h3.5v3.4H9zM4 9.8h3.5v3.4H4z',
  images: 'M2 2h7v6H2zM11 2h3v3h-3zM11 7h3v7h-3zM2 10h4v4H2zM8 10h1.2v4H8z',
  sun: 'M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6zM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9',
  moon: 'M13.3 9.8A5.8 5.8 0 0 1 6.2 2.7a5.8 5.8 0 1 0 7.1 7.1z',
  braces:
    'M6 2.5c-1.8 0-2 .8-2 2v1.5c0 1.2-.5 2-1.5 2 1 0 1.5.8 1.5 2v1.5c0 1.2.2 2 2 2M10 2.5c1.8 0 2 .8 2 2v1.5c0 1.2.5 2 1.5 2-1 0-1.5.8-1.5 2v1.5c0 1.2-.2 2-2 2',
  command:
    'M5.5 5.5h5v5h-5zM5.5 5.5H4a1.6 1.6 0 1 1 1.5-1.5zM10.5 5.5V4A1.6 1.6 0 1 1 12 5.5zM5.5 10.5V12A1.6 1.6 0 1 1 4 10.5zM10.5 10.5H12a1.6 1.6 0 1 1-1.5 1.5z',
  send: 'M2 8h10M8.5 4.5 12 8l-3.5 3.5',
  ghost: 'M3 13.5h3V9H3zM6.5 13.5h3v-10h-3zM10 13.5h3V6.5h-3z',
  panel: 'M2 3h12v10H2zM2 9.5h12',
  lock: 'M4 7.2h8v6.3H4zM5.5 7V4.9a2.5 2.5 0 0 1 5 0V7',
  split: 'M2 3h12v10H2zM8 3v10',
} as const;

export type IconName = keyof typeof paths;

/** A decorative drawing: the control around it has the name. */
export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  const filled = name === 'play' || name === 'stop';
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill={filled ? 'currentColor' : 'none'}
      stroke={filled ? 'none' : 'currentColor'}
      strokeWidth={1.3}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={paths[name]} />
    </svg>
  );
}
