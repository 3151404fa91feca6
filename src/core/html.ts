/** Text that is markup. Only `html` makes it, so that nothing else can be taken for it. */
export interface Html {
  readonly markup: string;
}

type Part = string | number | Html | undefined | readonly Part[];

/** Markup with values put in: texts are escaped, whatever they hold; markup and lists of it stay. */
export function html(pieces: TemplateStringsArray, ...values: readonly Part[]): Html {
  // How the source is laid out is no matter of the page.
  const markup = pieces.map(
    (piece, index) =>
      piece.replaceAll(/\n\s*/g, '\n') + (index < values.length ? shown(values[index]) : ''),
  );
  return { markup: markup.join('') };
}

const names = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' } as const;

/** A text that stands for itself, also in an attribute that has quotes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => names[character as keyof typeof names]);
}

function shown(value: Part): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  return 'markup' in value ? value.markup : value.map(shown).join('');
}
