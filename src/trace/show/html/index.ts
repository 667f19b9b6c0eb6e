/* index.ts: the page of `hs-trace --html FILE`: one file that needs nothing else, no network and
 * no script: verdict on top, then sources over time, by library and call site, how long calls
 * took, every call, every process.
 * The rule: the page says nothing that the JSON does not. */
import { account, extent, number, plural, subject } from '../words.js';
import { lostOf, reasonsOf, type Finding, type Report } from '../../report.js';
import { columnsOverTime } from './charts.js';
import { html, type Markup } from './markup.js';
import { callsSection, latencySection, librarySection, processSection, siteSection,
  sourceSection } from './sections.js';
import { colorsOf, type Colors } from './colors.js';
import { style } from './style.js';

/** The whole file. */
export function renderHtml(report: Report): string {
  const colors = colorsOf(report.sources);
  const body = html`<main>
    <h1>${subject(report.observation)}</h1>
    <p class="soft">${extent(report.observation)}, from ${
  new Date(report.observation.startedMs).toISOString().replace('T', ' ').slice(0, 19)} UTC,
      level ${report.observation.detail}</p>
    ${verdictPanel(report)}
    ${figures(report)}
    ${timePanel(report, colors)}
    ${sourceSection(report, colors)}
    ${librarySection(report, colors)}
    ${siteSection(report)}
    ${latencySection(report)}
    ${callsSection(report)}
    ${processSection(report)}
    ${notes(report.findings)}
    <footer>${account(report.observation)}. Made by hs-trace, part of HotSwap.</footer>
  </main>`;
  return `${[
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta http-equiv="Content-Security-Policy" ' +
      'content="default-src \'none\'; style-src \'unsafe-inline\'; img-src data:">',
    '<link rel="icon" href="data:,">',
    html`<title>hs-trace: ${subject(report.observation)}</title>`.text,
    `<style>${style}</style></head><body>`,
    body.text,
    '</body></html>',
  ].join('\n')}\n`;
}

function verdictPanel(report: Report): Markup {
  const { verdict } = report;
  const look = verdict === 'replicable' ? 'good' : verdict === 'not replicable' ? 'bad' : 'warn';
  const decisive = verdict === 'not replicable' ? 'prevents' : 'serial';
  const reasons = reasonsOf(report).filter(({ effect }) => effect === decisive);
  return html`<section class="panel verdict ${look}">
    <h2>${verdict[0]!.toUpperCase() + verdict.slice(1)}</h2>
    ${reasons.length === 0
    ? html`<p>Nothing was seen that HotSwap cannot record and repeat.</p>`
    : html`<ul>${reasons.map(({ because, change }) => html`<li>because ${because}${
      change === null ? null : html`<p>${change}</p>`}</li>`)}</ul>`}
  </section>`;
}

function figures({ observation, sources }: Report): Markup {
  const sum = (pick: (call: typeof observation.calls[number]) => number): number =>
    observation.calls.reduce((total, call) => total + pick(call), 0);
  const cost = observation.nsPerEvent;
  const cells: [string, string][] = [
    [number(sum(({ count }) => count)), 'system calls'],
    [number(sum(({ errors }) => errors)), 'that failed'],
    [number(sources.length), sources.length === 1 ? 'kind of source' : 'kinds of sources'],
    [number(observation.events), 'events seen'],
    [number(lostOf(observation)), 'events lost'],
    [cost === null ? '–' : `${Math.round(cost)} ns`, 'overhead per event'],
  ];
  return html`<div class="figures">${cells.map(([value, name]) =>
    html`<div class="panel"><b>${value}</b><span>${name}</span></div>`)}</div>`;
}

function timePanel({ observation, sources }: Report, colors: Colors): Markup | null {
  const { timeline } = observation;
  if (!timeline) return null;
  const series = colors.groups(sources).map(({ name, color, of }) => ({
    name, color,
    values: of.reduce<number[]>((sums, source) => {
      source.timeline.forEach((count, at) => { sums[at] = (sums[at] ?? 0) + count; });
      return sums;
    }, []),
  })).filter(({ values }) => values.some((count) => count > 0));
  if (series.length === 0) return null;
  return html`<h2>Sources over time</h2><section class="panel">
    ${columnsOverTime(series, timeline.windowMs)}
    <ul class="legend">${series.map(({ name, color }) =>
    html`<li><span class="swatch ${color}"></span>${name}</li>`)}</ul>
  </section>`;
}

function notes(findings: readonly Finding[]): Markup | null {
  const all = findings.filter(({ effect }) => effect === 'note');
  if (all.length === 0) return null;
  return html`<h2>Notes <small>${plural(all.length, 'thing')} worth knowing</small></h2>
    <section class="panel"><ul>${all.map(({ because, change }) =>
    html`<li>${because}${change === null ? null : html` <span class="soft">(${change})</span>`}
    </li>`)}</ul></section>`;
}
