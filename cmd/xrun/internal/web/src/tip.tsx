// The read-out of the point under the pointer or the focus. It stands above or below its map, never over another cell.
import { render, type JSX } from 'preact';
import type { Point } from './points.ts';
import { scale, tickText } from './scales.ts';
import { Interval } from './parts.tsx';
import { shared, wantSeeds } from './store.ts';

const box = (): HTMLElement => document.getElementById('tip') ?? document.body.appendChild(Object.assign(document.createElement('div'), { id: 'tip', hidden: true }));

function Tip({ p }: { p: Point }): JSX.Element {
  const W = 248, best = shared.points?.best, of = shared.points?.of ?? 0, metric = shared.answer?.metric ?? '';
  const values = p.seeds.map((s) => s[2]).filter((v): v is number => v !== null && isFinite(v));
  const troubled = p.seeds.filter((s) => s[5] === 'diverged' || s[5] === 'failed' || s[5] === 'pruned');
  let chart: JSX.Element | null = null;
  if (p.mean !== null && isFinite(p.mean)) {
    const shown = [...values, p.mean, ...(p.low !== null ? [p.low] : []), ...(p.high !== null ? [p.high] : []), ...(best && best.mean !== null ? [best.mean] : [])].filter(isFinite);
    const seeds = values.length ? values : [p.mean], spread = Math.max(...seeds) - Math.min(...seeds) || Math.abs(p.mean) * 0.1 || 1;
    // Two seeds have intervals a hundred times as wide: the scale follows the seeds, and the bar ends in an arrowhead.
    const reach = [...seeds, ...(best && best.mean !== null ? [best.mean] : [])];
    const from = Math.max(Math.min(...shown), Math.min(...reach) - spread), to = Math.min(Math.max(...shown), Math.max(...reach) + spread), pad = (to - from || 1) * 0.06;
    const x = scale(false, from - pad, to + pad, 4, W - 4);
    chart = <svg width={W} height={46} class="tipchart" aria-hidden="true">
      <line x1={0} x2={W} y1={28.5} y2={28.5} class="axis" />
      {best && best !== p && best.mean !== null && <line x1={x(best.mean)} x2={x(best.mean)} y1={6} y2={34} stroke="var(--ink)" stroke-dasharray="2 2" />}
      <Interval x={x} mean={p.mean} low={p.low} high={p.high} y={12} r={4} />
      {values.map((v, i) => <circle key={i} cx={x(v)} cy={28.5} r={3.5} fill="var(--paper)" stroke="var(--ink)" stroke-width={1.25} />)}
      <text x={0} y={45} class="t-f t-s">{tickText(Number((from - pad).toPrecision(3)))}</text>
      <text x={W} y={45} class="t-f t-s" text-anchor="end">{tickText(Number((to + pad).toPrecision(3)))}</text>
      <text x={W / 2} y={45} class="t-f t-s" text-anchor="middle">{values.length ? `${values.length} ${values.length === 1 ? 'seed' : 'seeds'}` : ''}{best && best !== p ? `${values.length ? ' · ' : ''}dashed: the best` : ''}</text>
    </svg>;
  }
  return <>
    <div><b>{p.short}</b> <span class="muted">#{p.rank} of {of}</span></div>
    <div>{metric} {p.text}</div>
    {p.versus && <div class="muted">{/\d/.test(p.versus) && shared.points?.versusHead ? `${p.versus} ${shared.points.versusHead}` : p.versus}</div>}
    {p.tied && <div class="doubt">≈ cannot be told from the best</div>}
    {p.unstable && <div class="doubt">unstable</div>}
    {troubled.length > 0 && <div class="doubt">{[...new Set(troubled.map((s) => s[5]))].map((how) => { const n = troubled.filter((s) => s[5] === how); return `${how}: ${n.length} of ${p.seeds.length} seeds${n[0]![4] !== null ? `, at epoch ${n[0]![4]}` : ''}`; }).join('; ')}</div>}
    {chart}
  </>;
}

let of: Element | null = null, shownKey = '', drawn = false;

/** Draws the read-out again when the seeds of its point have come. */
export function redrawTip(): void {
  if (of && !drawn && shared.points?.byKey.get(shownKey)?.seeds.length) showTip(of, shownKey);
}

export function showTip(element: Element, key: string): void {
  const p = shared.points?.byKey.get(key), tip = box();
  if (!p) { hideTip(); return; }
  of = element;
  shownKey = key;
  drawn = wantSeeds(p);
  render(<Tip p={p} />, tip);
  tip.hidden = false;
  tip.classList.add('on');
  place(tip, element);
}

function place(tip: HTMLElement, element: Element): void {
  const group = element.closest('svg.map, .maps svg, table, svg') ?? element;
  const g = group.getBoundingClientRect(), e = element.getBoundingClientRect(), w = tip.offsetWidth, h = tip.offsetHeight, W = document.documentElement.clientWidth, H = innerHeight;
  const left = Math.max(8, Math.min(W - w - 8, group.tagName === 'TABLE' ? e.left : g.left + Math.max(0, Math.min(g.width - w, e.left - g.left - w / 2))));
  const cells = group.querySelectorAll('.cell');
  let top = g.top, bottom = g.bottom;
  if (cells.length && group.tagName !== 'TABLE') { // of the cells alone: titles and ticks may be covered, cells may not
    top = Infinity; bottom = -Infinity;
    for (const c of cells) { const r = c.getBoundingClientRect(); top = Math.min(top, r.top); bottom = Math.max(bottom, r.bottom); }
  }
  const above = top - h - 6, below = bottom + 6;
  const up = e.top + e.height / 2 < top + (bottom - top) * 0.62 ? above >= 8 || below + h > H - 8 : below + h > H - 8 && above >= 8;
  tip.style.left = left + 'px';
  tip.style.top = Math.max(8, up ? above : Math.min(below, Math.max(below, H - h - 8))) + 'px';
}

export function hideTip(): void {
  const tip = document.getElementById('tip');
  of = null;
  if (tip && !tip.hidden) { tip.hidden = true; tip.classList.remove('on'); }
}
export const tipOf = (): Element | null => of;
