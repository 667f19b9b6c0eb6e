/* show.test.ts: the report as people and programs get it: on a terminal, as JSON, as a page that
 * Chromium renders without a word of complaint and without asking anybody for anything.
 * bound: 120 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { Report } from '../../../src/trace/report.js';
import { niceCeiling, merged, quantile } from '../../../src/trace/show/html/charts.js';
import { renderHtml } from '../../../src/trace/show/html/index.js';
import { html } from '../../../src/trace/show/html/markup.js';
import { jsonReport, toJson } from '../../../src/trace/show/json.js';
import { renderTerminal, wrap } from '../../../src/trace/show/terminal.js';
import { duration } from '../../../src/trace/show/words.js';
import { suite } from '../../support/suite.js';
import { call, judged, process as planted } from './planted.js';
import { bareReport, specimenReport } from './specimen.js';

const test = suite('hs-trace: the report');

const reports = async (): Promise<Report[]> => [
  await specimenReport(), await bareReport(), await judged({ calls: [call('write')] }),
  await judged({ processes: [planted({ threadsMax: 3, threadsEver: 3 })] }),
];

test('no line is wider than the terminal, and nothing is coloured unasked', async () => {
  for (const report of await reports()) {
    for (const columns of [48, 80, 100]) {
      const text = renderTerminal(report, { columns });
      assert.not.match(text, /\x1b/);
      const wide = text.split('\n').filter((line) => [...line].length > columns);
      assert.equal(wide, []);
    }
  }
});

test('the terminal has the verdict before anything else, why, and what to do', async () => {
  const text = renderTerminal(await specimenReport());
  const [, , , verdict, because] = text.split('\n');
  assert.is(verdict, 'NOT REPLICABLE because');
  assert.match(because!, /io_uring_setup/);
  assert.match(text, /> turn off what uses io_uring/);
  assert.match(text, /186,200 events seen, 3 lost \(cpu0 0, cpu1 3\), 143 ns each/);
  assert.match(renderTerminal(await judged({ calls: [call('write')] })), /^REPLICABLE$/m);
});

test('colour is there when it is asked for', async () => {
  assert.match(renderTerminal(await specimenReport(), { isColor: true }), /\x1b\[31m/);
});

test('the JSON has what the contract says, and reads back as it was', async () => {
  for (const report of await reports()) {
    const json = toJson(report);
    assert.equal(jsonReport.parse(JSON.parse(JSON.stringify(json))), json);
  }
  const json = toJson(await specimenReport());
  assert.equal(json.syscalls['read'], { count: 61_000, errors: 210, ns: 54_900_000 });
  assert.is(json.verdict, 'not replicable');
  assert.match(json.reasons[0]!, /io_uring/);
  assert.is(json.events, 186_200);
  assert.is(json.lost, 3);
  assert.ok(json.sources.some(({ kind }) => kind === 'randomness'));
});

test('long words are cut, blanks are where lines break', () => {
  assert.equal(wrap('a bb ccc', 4), ['a bb', 'ccc']);
  assert.equal(wrap('abcdefgh', 3), ['abc', 'def', 'gh']);
  assert.equal(wrap('', 10), []);
});

test('what a program is called cannot become markup', () => {
  assert.is(html`<b>${'<script>"&\u0001'}</b>`.text, '<b>&lt;script&gt;&quot;&amp;\ufffd</b>');
  assert.is(html`${['a', null, html`<i>${1}</i>`]}`.text, 'a<i>1</i>');
});

test('axes end at round numbers, windows are put together, quantiles are upper bounds', () => {
  assert.equal([0, 3, 20, 21, 999].map((value) => niceCeiling(value)), [1, 4, 20, 40, 1000]);
  assert.equal(merged([1, 2, 3, 4, 5], 2), { sums: [6, 9], by: 3 });
  assert.is(quantile([0, 0, 10, 0, 1], 0.5), 8);
  assert.is(quantile([0, 0, 10, 0, 1], 0.99), 32);
  assert.is(quantile([], 0.5), 0);
  assert.equal([0, 999, 1500, 27e6, 1.52e9].map(duration),
    ['0 ns', '999 ns', '1.50 µs', '27.0 ms', '1.52 s']);
});

/** What the page asked for or complained about while it was shown. */
async function show(page: Page, file: string): Promise<string[]> {
  const said: string[] = [];
  page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => said.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (!/^(file|data):/.test(request.url())) said.push(`request: ${request.url()}`);
  });
  await page.goto(pathToFileURL(file).href);
  return said;
}

test('Chromium renders the page, silent, complete and alone, in light and in dark', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hs-trace-page-'));
  let browser: BrowserContext | undefined;
  try {
    browser = await chromium.launchPersistentContext(join(folder, 'profile'), {
      executablePath: '/usr/bin/chromium',
      headless: true,
      args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking',
        '--disable-component-update', '--disable-sync', '--no-first-run'],
    });
    const backgrounds = new Set<string>();
    for (const [at, report] of (await reports()).entries()) {
      const file = join(folder, `${at}.html`);
      writeFileSync(file, renderHtml(report));
      for (const colorScheme of ['light', 'dark'] as const) {
        const page = await browser.newPage();
        await page.emulateMedia({ colorScheme });
        assert.equal(await show(page, file), [], `page ${at}, ${colorScheme}`);
        backgrounds.add(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
        const width = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        assert.ok(Number(width) <= 0, 'the page is wider than its window');
        const heading = await page.textContent('.verdict h2');
        assert.is(heading?.toLowerCase(), report.verdict.toLowerCase());
        await page.close();
      }
    }
    assert.is(backgrounds.size, 2);
    const page = await browser.newPage();
    await show(page, join(folder, '0.html'));
    assert.ok(await page.locator('svg.time rect.s1').count() > 30, 'sources over time');
    assert.is(await page.locator('svg.latency').count(), 12);
    assert.match(await page.textContent('h1') ?? '', /<&>"'/);
  } finally {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}, 100_000);

test.run();
