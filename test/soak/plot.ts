/* plot.ts: a soak as a picture: memory of engine and program on both hosts, and records, over time.
 * The rule: one self-contained SVG, readable on light and on dark ground. */
import type { Sample } from './samples.js';

interface Series {
  name: string;
  colour: string;
  of: (sample: Sample) => number;
}

const width = 860, panelHeight = 180, left = 70, top = 34, gap = 46;

const panels: readonly { title: string; unit: string; series: readonly Series[] }[] = [
  {
    title: 'memory of the engines', unit: 'MiB', series: [
      { name: 'primary', colour: '#2f7fd6', of: (s) => s.primary.engineMiB },
      { name: 'backup', colour: '#d9822b', of: (s) => s.backup.engineMiB },
    ],
  },
  {
    title: 'memory of the program', unit: 'MiB', series: [
      { name: 'primary', colour: '#2f7fd6', of: (s) => s.primary.programMiB },
      { name: 'backup', colour: '#d9822b', of: (s) => s.backup.programMiB },
    ],
  },
  {
    title: 'records', unit: 'million', series: [
      { name: 'recorded', colour: '#3d9a50', of: (s) => s.primary.records / 1e6 },
    ],
  },
];

const round = (value: number): number => Math.round(value * 10) / 10;

/** Draws all panels, one under the other. */
export function plot(program: string, samples: readonly Sample[]): string {
  const height = top + panels.length * (panelHeight + gap);
  const seconds = samples.at(-1)?.atS ?? 1;
  const body = panels.map((panel, index) => {
    const y0 = top + index * (panelHeight + gap);
    const most = Math.max(1e-6, ...panel.series.flatMap(({ of }) => samples.map(of))) * 1.1;
    const x = (s: Sample): number => round(left + (s.atS / seconds) * (width - left - 20));
    const y = (value: number): number => round(y0 + panelHeight - (value / most) * panelHeight);
    const lines = panel.series.map(({ name, colour, of }, at) => {
      const points = samples.map((s) => `${x(s)},${y(of(s))}`).join(' ');
      const label = `<text x="${left + 180 + at * 110}" y="${y0 - 8}" fill="${colour}">`
        + `${name}</text>`;
      return `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="2"/>`
        + label;
    });
    const marks = [0, 0.5, 1].map((share) => {
      const value = round((most / 1.1) * share);
      return `<text x="${left - 8}" y="${y((most / 1.1) * share) + 4}" text-anchor="end">${value}`
        + '</text>';
    });
    return `<text x="${left}" y="${y0 - 8}" font-weight="bold">${panel.title}, ${panel.unit}`
      + `</text><path d="M${left},${y0}V${y0 + panelHeight}H${width - 20}" fill="none" `
      + `stroke="#888"/>${marks.join('')}${lines.join('')}`;
  });
  const minutes = round(seconds / 60);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" `
    + 'font-family="sans-serif" font-size="12" fill="#777">'
    + `<title>${program}, ${minutes} minutes</title>${body.join('')}`
    + `<text x="${width - 20}" y="${height - 26}" text-anchor="end">${minutes} minutes</text>`
    + '</svg>\n';
}
