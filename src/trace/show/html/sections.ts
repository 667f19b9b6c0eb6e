/* sections.ts: the parts of the page below the verdict, each a function from the report to markup,
 * or nothing where there is nothing to show.
 * The rule: what is cut short says how much is left out. */
import { calls as rows } from '../../../calls/table.js';
import { sourceOf } from '../../../calls/sources.js';
import { reasonOf, verdictOf } from '../../../calls/verdicts.js';
import type { CallStats, ObservedProcess } from '../../observation.js';
import type { Cause, Report, Source } from '../../report.js';
import { signalName } from '../../signals.js';
import { duration, number, place, plural } from '../words.js';
import { bar, latencyHistogram, quantile, sparkline } from './charts.js';
import type { Colors } from './colors.js';
import { html, type Markup } from './markup.js';

const librariesShown = 16;
const sitesShown = 30;
const histogramsShown = 12;
const processesShown = 60;

const rowOf = new Map(rows.map((row) => [row.nr, row]));
const more = (all: number, shown: number): Markup | null =>
  all > shown ? html`<p class="soft">${number(all - shown)} more, in --json</p>` : null;

export function sourceSection({ sources }: Report, colors: Colors): Markup {
  return html`<h2>Sources of nondeterminism <small>what enters the program, and what HotSwap
    does about it</small></h2>${sources.length === 0 ? html`<p>None was seen.</p>`
    : html`<section class="panel scroll"><table class="sources"><thead><tr><th>source</th>
      <th class="number">count</th><th class="number">failed</th><th>HotSwap</th><th>from</th>
      </tr></thead>${sources.map((source) => sourceRows(source, colors.of(source.kind)))}
      </table></section>`}`;
}

function sourceRows({ title, count, causes, timeline }: Source, color: string): Markup {
  const isCounted = causes.some((cause) => cause.count !== null);
  return html`<tbody><tr class="head"><th scope="rowgroup"><span class="swatch ${color}"></span>${
    title[0]!.toUpperCase() + title.slice(1)}</th>
    <td class="number">${isCounted ? number(count) : ''}</td>
    <td></td><td colspan="2">${sparkline(timeline, color)}</td></tr>${
    causes.map(causeRow)}</tbody>`;
}

function causeRow({ by, name, count, errors, treatment, how, places }: Cause): Markup {
  const [first, ...others] = places;
  return html`<tr><td><code>${name}</code>${
    by === 'call' ? null : html` <span class="soft">${by}</span>`}</td>
    <td class="number">${count === null ? 'there' : number(count)}</td>
    <td class="number">${errors === 0 ? '' : number(errors)}</td>
    <td><span class="pill ${treatment}">${treatment === 'none' ? 'not caught' : treatment}</span>
      <span class="soft">${how}</span></td>
    <td>${first && html`<span class="mono">${place(first)}</span>`}${
  others.length > 0 && html`<details><summary>${number(others.length)} more</summary>
      <ul class="places">${others.map((each) => html`<li><span class="mono">${place(each)}</span>
        <span class="soft">${number(each.count)}</span></li>`)}</ul></details>`}</td></tr>`;
}

/** Calls by the file that made them, in the colours of their kinds. */
export function librarySection(report: Report, colors: Colors): Markup | null {
  const { sites, library } = report.observation;
  const byFile = new Map<string, Map<string, number>>();
  const add = (file: string, kind: string, count: number): void => {
    const kinds = byFile.get(file) ?? new Map<string, number>();
    byFile.set(file, kinds.set(kind, (kinds.get(kind) ?? 0) + count));
  };
  for (const { nr, file, count } of sites) {
    const row = rowOf.get(nr);
    add(file, (row ? sourceOf(row) : 'unknown') ?? 'none', count);
  }
  for (const { file, count } of library) add(file, 'time', count);
  if (byFile.size === 0) return null;
  const total = (kinds: Map<string, number>): number =>
    [...kinds.values()].reduce((sum, count) => sum + count, 0);
  const files = [...byFile].sort(([, a], [, b]) => total(b) - total(a));
  const most = total(files[0]![1]);
  const groups = colors.groups(report.sources);
  const parts = [...groups, { name: 'no source', color: 'plain', of: [] }];
  return html`<h2>By library <small>whose code made the calls</small></h2>
    <section class="panel scroll"><table><thead><tr><th>file</th><th class="number">calls</th>
      <th></th></tr></thead><tbody>${files.slice(0, librariesShown).map(([file, kinds]) => {
    const counts = groups.map(({ of }) =>
      of.reduce((sum, { kind }) => sum + (kinds.get(kind) ?? 0), 0));
    const known = counts.reduce((sum, count) => sum + count, 0);
    return html`<tr><td><code>${file}</code></td><td class="number">${number(total(kinds))}</td>
      <td class="wide">${bar(parts, [...counts, total(kinds) - known], most)}</td></tr>`;
  })}</tbody></table>${more(files.length, librariesShown)}</section>`;
}

export function siteSection({ observation }: Report): Markup | null {
  const sites = [...observation.sites].sort((a, b) => b.count - a.count);
  if (sites.length === 0) return null;
  const name = (nr: number): string =>
    observation.calls.find((call) => call.nr === nr)?.name ?? `call ${nr}`;
  return html`<h2>By call site <small>${plural(sites.length, 'place')} in the code</small></h2>
    <section class="panel scroll"><table><thead><tr><th>call</th><th class="number">count</th>
      <th>function</th><th>file</th></tr></thead><tbody>${
  sites.slice(0, sitesShown).map(({ nr, file, symbol, offset, count }) => html`<tr>
      <td><code>${name(nr)}</code></td><td class="number">${number(count)}</td>
      <td><code>${symbol ?? '–'}</code></td>
      <td><code>${file}</code> <span class="soft mono">+0x${offset.toString(16)}</span></td>
    </tr>`)}</tbody></table>${more(sites.length, sitesShown)}</section>`;
}

export function latencySection({ observation: { calls } }: Report): Markup | null {
  const timed = calls.filter(({ ns, histogram }) => ns > 0 && histogram.some((n) => n > 0))
    .sort((a, b) => b.ns - a.ns);
  if (timed.length === 0) return null;
  return html`<h2>How long calls took <small>those that took the most time in all; waiting
    counts</small></h2><div class="tiles">${timed.slice(0, histogramsShown).map((call) => html`
    <section class="panel"><h3><code>${call.name}</code></h3>
      <p>${number(call.count)} calls, ${duration(call.ns)} in all</p>
      ${latencyHistogram(call.histogram)}
      <p>half below ${duration(quantile(call.histogram, 0.5))}, 99 % below ${
  duration(quantile(call.histogram, 0.99))}</p></section>`)}</div>${
    more(timed.length, histogramsShown)}`;
}

export function callsSection({ observation }: Report): Markup | null {
  const calls = observation.calls.filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
  if (calls.length === 0) return null;
  return html`<h2>Every call <small>${plural(calls.length, 'row')} of the call table</small></h2>
    <section class="panel scroll"><table><thead><tr><th>call</th><th class="number">count</th>
      <th class="number">failed</th><th class="number">in all</th><th class="number">each</th>
      <th>HotSwap</th></tr></thead><tbody>${calls.map(callRow)}</tbody></table></section>`;
}

function callRow({ nr, name, count, errors, ns }: CallStats): Markup {
  const row = rowOf.get(nr);
  const verdict = row ? verdictOf(row) : 'none';
  return html`<tr><td><code>${name}</code></td><td class="number">${number(count)}</td>
    <td class="number">${errors === 0 ? '' : number(errors)}</td>
    <td class="number">${ns > 0 ? duration(ns) : ''}</td>
    <td class="number">${ns > 0 ? duration(ns / count) : ''}</td>
    <td><span class="pill ${verdict}">${row ? verdict : 'no row'}</span>
      <span class="soft">${row ? reasonOf(row) : 'refused and reported'}</span></td></tr>`;
}

export function processSection({ observation: { processes } }: Report): Markup | null {
  if (processes.length === 0) return null;
  return html`<h2>Processes</h2><section class="panel scroll"><table><thead><tr>
    <th class="number">pid</th><th class="number">parent</th><th>program</th>
    <th class="number">threads</th><th class="number">at once</th><th>signals</th><th>end</th>
    </tr></thead><tbody>${processes.slice(0, processesShown).map(processRow)}</tbody></table>${
  more(processes.length, processesShown)}</section>`;
}

function processRow(process: ObservedProcess): Markup {
  const { pid, parent, exe, comm, threadsEver, threadsMax, signals, exit } = process;
  const received = Object.entries(signals).filter(([, count]) => count > 0)
    .map(([signal, count]) => `${signalName(Number(signal))} ${number(count)}`);
  const end = exit === null ? 'still running'
    : exit.signal > 0 ? signalName(exit.signal) : `status ${exit.code}`;
  return html`<tr><td class="number">${pid}</td><td class="number">${parent}</td>
    <td><code>${exe ?? comm}</code></td><td class="number">${number(threadsEver)}</td>
    <td class="number">${number(threadsMax)}</td><td>${received.join(', ')}</td>
    <td>${end}</td></tr>`;
}
