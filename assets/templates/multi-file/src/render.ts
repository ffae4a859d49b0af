export interface Place {
  readonly name: string;
  /** Units: degrees, north and east are positive. */
  readonly latitude: number;
  readonly longitude: number;
}

/** A page with a row for each place. */
export function renderPage(places: readonly Place[], style: string): string {
  const rows = places.map(({ name, latitude, longitude }) => {
    const where = `${degrees(latitude, 'N', 'S')} ${degrees(longitude, 'E', 'W')}`;
    return `<tr><th>${escapeHtml(name)}</th><td>${where}</td></tr>`;
  });
  return `<!doctype html><title>Places</title><style>${style}</style><table>${rows.join('')}</table>`;
}

function degrees(value: number, positive: string, negative: string): string {
  return `${Math.abs(value).toFixed(2)}° ${value < 0 ? negative : positive}`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
