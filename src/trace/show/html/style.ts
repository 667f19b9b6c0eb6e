/* style.ts: how the page looks, in light and in dark. The colours of series tell kinds apart also
 * for who sees few colours: neighbours differ in lightness.
 * The rule: nothing is loaded from anywhere; fonts are the reader's own. */

export const style = `
:root {
  color-scheme: light dark;
  --page: #fbfbfa; --panel: #ffffff; --line: #e3e2de; --ink: #1d1d1b; --soft: #6b6a66;
  --good: #1a7f4b; --warn: #9a6200; --bad: #b3261e;
  --good-bg: #e8f5ee; --warn-bg: #fdf3e0; --bad-bg: #fcebea;
  --s0: #3b6fd4; --s1: #e0a100; --s2: #d9534a; --s3: #3f9f8f; --s4: #8a5cd0; --s5: #5aa843;
  --s6: #d76aa3; --s7: #8b6d4f; --s8: #9a9a96;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #151617; --panel: #1d1f21; --line: #313437; --ink: #e8e6e3; --soft: #9c9a96;
    --good: #5fce95; --warn: #f0b95a; --bad: #ff8a80;
    --good-bg: #14291f; --warn-bg: #2d2413; --bad-bg: #321a18;
    --s0: #6f9bf0; --s1: #e8b73a; --s2: #ef7d74; --s3: #5cc0af; --s4: #ac86ea; --s5: #7fc46a;
    --s6: #ec92bf; --s7: #b39475; --s8: #8a8a88;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Helvetica Neue", "DejaVu Sans", sans-serif;
}
main { max-width: 1080px; margin: 0 auto; padding: 28px 24px 64px; }
h1 { font: 600 20px/1.35 ui-monospace, "SF Mono", "DejaVu Sans Mono", monospace; margin: 0;
  overflow-wrap: anywhere; }
h2 { font-size: 17px; font-weight: 650; margin: 40px 0 12px; }
h2 small { font-weight: 400; font-size: 13.5px; color: var(--soft); margin-left: 8px; }
h3 { font-size: 15px; font-weight: 600; margin: 0; }
p { margin: 4px 0; }
.soft { color: var(--soft); }
code, .mono { font-family: ui-monospace, "SF Mono", "DejaVu Sans Mono", monospace;
  font-size: 13px; }
.panel { background: var(--panel); border: 1px solid var(--line); border-radius: 10px;
  padding: 16px 18px; }
.verdict { margin-top: 18px; border-left-width: 5px; }
.verdict h2 { margin: 0 0 6px; font-size: 21px; }
.verdict ul { margin: 8px 0 0; padding-left: 20px; }
.verdict li { margin: 6px 0; }
.verdict li p { margin: 2px 0; color: var(--soft); }
.good { border-left-color: var(--good); background: var(--good-bg); }
.warn { border-left-color: var(--warn); background: var(--warn-bg); }
.bad { border-left-color: var(--bad); background: var(--bad-bg); }
.good h2 { color: var(--good); } .warn h2 { color: var(--warn); } .bad h2 { color: var(--bad); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 10px;
  margin-top: 14px; }
.figures div { padding: 12px 14px; }
.figures b { display: block; font-size: 20px; font-weight: 600;
  font-variant-numeric: tabular-nums; }
.figures span { color: var(--soft); font-size: 13px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 10px 0 0; padding: 0;
  list-style: none; font-size: 13px; }
.swatch { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 6px; }
svg { display: block; max-width: 100%; }
svg.time { width: 100%; height: auto; }
svg.spark { width: 120px; height: 20px; }
svg.bar { width: 100%; height: 12px; border-radius: 3px; }
svg.latency { width: 100%; height: auto; }
.grid { stroke: var(--line); stroke-width: 1; }
.tick { fill: var(--soft); font-size: 11px; font-family: inherit; }
.tick.end { text-anchor: end; } .tick.middle { text-anchor: middle; }
.hit { fill: transparent; } .hit:hover { fill: var(--ink); fill-opacity: 0.07; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th { text-align: left; font-weight: 500; color: var(--soft); padding: 4px 10px 6px 0;
  border-bottom: 1px solid var(--line); white-space: nowrap; }
td { padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child td { border-bottom: 0; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.wide { width: 34%; min-width: 160px; vertical-align: middle; }
.sources { table-layout: fixed; min-width: 820px; }
.sources th:nth-child(1) { width: 21%; } .sources th:nth-child(2) { width: 10%; }
.sources th:nth-child(3) { width: 7%; } .sources th:nth-child(5) { width: 22%; }
.sources td { overflow-wrap: anywhere; }
.sources tbody td { border-bottom: 0; padding-top: 2px; padding-bottom: 2px; }
.sources tbody td:first-child { padding-left: 16px; }
.sources .head th { color: var(--ink); font-weight: 600; border-bottom: 0; padding-top: 12px;
  white-space: normal; }
.sources .head td { font-weight: 600; padding-top: 12px; vertical-align: middle; }
.sources tbody + tbody .head > * { border-top: 1px solid var(--line); }
.sources tbody tr:last-child td { padding-bottom: 12px; }
.plain { fill: var(--line); }
.pill { display: inline-block; padding: 0 8px; border-radius: 9px; font-size: 12px;
  line-height: 18px; border: 1px solid var(--line); color: var(--soft); white-space: nowrap; }
.pill.refused, .pill.none { color: var(--bad); border-color: currentColor; }
details summary { cursor: pointer; color: var(--soft); font-size: 13px; }
.places { margin: 4px 0 0; padding: 0; list-style: none; font-size: 13px; }
.places li { overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(270px, 1fr)); gap: 12px; }
.tiles p { font-size: 13px; color: var(--soft); }
footer { margin-top: 40px; font-size: 13px; color: var(--soft); }
${Array.from({ length: 9 }, (_, at) =>
    `.s${at} { fill: var(--s${at}); } .swatch.s${at} { background: var(--s${at}); }`).join('\n')}
@media print { .panel { break-inside: avoid; } main { max-width: none; } }
`;
