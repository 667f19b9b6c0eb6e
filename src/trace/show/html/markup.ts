/* markup.ts: HTML and SVG as text, with everything that is put in escaped: paths and names come
 * from the program that was watched.
 * The rule: only what `html` made is let through as it is. */

/** Text that is markup already. */
export class Markup {
  constructor(readonly text: string) {}
}

type Value = Markup | string | number | null | undefined | false | readonly Value[];

/** Template tag: `html\`<b>${name}</b>\``. Arrays are put one behind the other, null is nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  const parts = strings.map((text, at) =>
    `${text}${at < values.length ? render(values[at]) : ''}`);
  return new Markup(parts.join(''));
}

function render(value: Value): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(render).join('');
  return escapeText(String(value));
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;',
};

/** Control characters are no HTML: a file name may hold them. */
const escapeText = (text: string): string => text
  .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '\ufffd')
  .replace(/[&<>"']/g, (character) => entities[character]!);
