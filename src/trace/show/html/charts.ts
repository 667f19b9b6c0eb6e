/* charts.ts: the plots of the page, as SVG without script: columns over time, bars, histograms.
 * A plot's numbers are in its tooltips, and in a table beside it.
 * The rule: an axis starts at zero and says its unit; colours come from the style sheet's --sN. */
import { duration, number } from '../words.js';
import { html, type Markup } from './markup.js';

export interface Series {
  readonly name: string;
  /** Class of its colour: s0 to s8. */
  readonly color: string;
  readonly values: readonly number[];
}

const round = (value: number): number => Math.round(value * 100) / 100;

/** One of the steps times a power of ten, at least `value`; its quarters are round numbers too. */
export function niceCeiling(value: number, steps = [1, 2, 4, 6, 8, 10]): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = steps.find((each) => each * power >= value)!;
  return step * power;
}

/** Windows put together until there are no more than `most` of them. */
export function merged(values: readonly number[], most: number): { sums: number[]; by: number } {
  const by = Math.max(1, Math.ceil(values.length / most));
  const sums = Array.from({ length: Math.ceil(values.length / by) }, (_, at) =>
    values.slice(at * by, (at + 1) * by).reduce((sum, value) => sum + value, 0));
  return { sums, by };
}

const compact = (value: number): string => new Intl.NumberFormat('en', {
  notation: 'compact', maximumFractionDigits: 1,
}).format(value);

const timeWidth = 960;
const timeHeight = 220;
const margin = { left: 52, right: 8, top: 10, bottom: 24 };

/** Stacked columns over time, as calls per second. */
export function columnsOverTime(series: readonly Series[], windowMs: number): Markup {
  const windows = Math.max(...series.map(({ values }) => values.length), 1);
  const padded = series.map((each) => ({
    ...each,
    ...merged(Array.from({ length: windows }, (_, at) => each.values[at] ?? 0), 160),
  }));
  const by = padded[0]?.by ?? 1;
  const perSecond = 1000 / (windowMs * by);
  const count = Math.ceil(windows / by);
  const totals = Array.from({ length: count }, (_, at) =>
    padded.reduce((sum, { sums }) => sum + (sums[at] ?? 0), 0) * perSecond);
  const top = niceCeiling(Math.max(...totals));
  const width = timeWidth - margin.left - margin.right;
  const height = timeHeight - margin.top - margin.bottom;
  const step = width / count;
  const y = (value: number): number => margin.top + height * (1 - value / top);
  const columns = totals.map((_, at) => {
    let below = 0;
    const x = margin.left + at * step;
    const parts = padded.map(({ sums, color }) => {
      const value = (sums[at] ?? 0) * perSecond;
      if (value === 0) return null;
      below += value;
      return html`<rect class="${color}" x="${round(x)}" y="${round(y(below))}"
        width="${round(Math.max(step - (step > 4 ? 1 : 0), 0.5))}"
        height="${round(value / top * height)}"/>`;
    });
    const seconds = at * by * windowMs / 1000;
    const words = padded.filter(({ sums }) => (sums[at] ?? 0) > 0)
      .map(({ name, sums }) => `${name}: ${number(sums[at]!)}`);
    return html`<g>${parts}<rect class="hit" x="${round(x)}" y="${margin.top}"
      width="${round(step)}" height="${height}"><title>${round(seconds)} s
${words.join('\n')}</title></rect></g>`;
  });
  return html`<svg class="time" viewBox="0 0 ${timeWidth} ${timeHeight}" role="img"
    aria-label="Sources of nondeterminism over time, calls per second">
    ${[0, 0.25, 0.5, 0.75, 1].map((part) => html`
      <line class="grid" x1="${margin.left}" x2="${timeWidth - margin.right}"
        y1="${round(y(part * top))}" y2="${round(y(part * top))}"/>
      <text class="tick end" x="${margin.left - 6}" y="${round(y(part * top)) + 4}">${
  part === 1 ? `${compact(top)}/s` : compact(part * top)}</text>`)}
    ${columns}
    ${timeTicks(windows * windowMs, width)}
  </svg>`;
}

function timeTicks(lengthMs: number, width: number): Markup[] {
  const step = niceCeiling(lengthMs / 8, [1, 2, 5, 10]);
  const ticks: Markup[] = [];
  for (let ms = 0; ms <= lengthMs; ms += step) {
    const isFirst = ms === 0;
    ticks.push(html`<text class="tick ${isFirst ? '' : 'middle'}"
      x="${round(margin.left + ms / lengthMs * width)}" y="${timeHeight - 6}">${
  step >= 1000 ? `${round(ms / 1000)} s` : `${round(ms)} ms`}</text>`);
  }
  return ticks;
}

/** A line as high as its text, for a table's row. */
export function sparkline(values: readonly number[], color: string): Markup | null {
  if (values.length < 2) return null;
  const { sums } = merged(values, 60);
  const top = Math.max(...sums, 1);
  const step = 120 / sums.length;
  return html`<svg class="spark" viewBox="0 0 120 24" aria-hidden="true">${
    sums.map((value, at) => value === 0 ? null : html`<rect class="${color}"
      x="${round(at * step)}" y="${round(23 - value / top * 22)}"
      width="${round(Math.max(step - 0.5, 0.5))}" height="${round(value / top * 22 + 1)}"/>`)
  }</svg>`;
}

/** One horizontal bar in parts; its whole length is `count` of `most`. */
export function bar(parts: readonly Omit<Series, 'values'>[], counts: readonly number[],
  most: number): Markup {
  let from = 0;
  return html`<svg class="bar" viewBox="0 0 400 14" preserveAspectRatio="none" role="img"
    aria-label="${number(counts.reduce((sum, value) => sum + value, 0))}">${
    parts.map(({ name, color }, at) => {
      const width = Math.max((counts[at] ?? 0) / most * 400, 0);
      const x = from;
      from += width;
      return width === 0 ? null : html`<rect class="${color}" x="${round(x)}" y="0"
        width="${round(Math.max(width, 1))}" height="14"><title>${name}: ${
  number(counts[at]!)}</title></rect>`;
    })}</svg>`;
}

/** How long calls took: bucket i counts those of [2^i, 2^(i+1)) nanoseconds. */
export function latencyHistogram(buckets: readonly number[]): Markup {
  const used = buckets.flatMap((count, at) => (count > 0 ? [at] : []));
  const first = Math.max((used[0] ?? 0) - 1, 0);
  const last = Math.min((used.at(-1) ?? 0) + 1, buckets.length - 1);
  const shown = buckets.slice(first, last + 1);
  const top = Math.max(...shown, 1);
  const step = 280 / Math.max(shown.length, 8);
  const labels = shown.map((_, at) => at)
    .filter((at) => at % Math.ceil(64 / step) === 0 && at * step < 236);
  return html`<svg class="latency" viewBox="0 0 280 96" role="img"
    aria-label="How long its calls took">
    <line class="grid" x1="0" x2="280" y1="76" y2="76"/>
    ${shown.map((count, at) => html`<g>
      <rect class="s0" x="${round(at * step + 1)}" y="${round(76 - count / top * 70)}"
        width="${round(step - 2)}" height="${round(count / top * 70)}"/>
      <rect class="hit" x="${round(at * step)}" y="0" width="${round(step)}" height="78"><title>${
  duration(2 ** (first + at))} to ${duration(2 ** (first + at + 1))}: ${
  number(count)}</title></rect></g>`)}
    ${labels.map((at) => html`<text class="tick" x="${round(at * step)}" y="91">${
    duration(2 ** (first + at))}</text>`)}
  </svg>`;
}

/** The upper end of the bucket in which this part of all calls is reached, nanoseconds. */
export function quantile(buckets: readonly number[], part: number): number {
  const wanted = buckets.reduce((sum, count) => sum + count, 0) * part;
  let sum = 0;
  for (const [at, count] of buckets.entries()) {
    sum += count;
    if (sum >= wanted && count > 0) return 2 ** (at + 1);
  }
  return 0;
}
