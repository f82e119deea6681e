// Learning curves: mean, band, thin seeds, no smoothing unless asked. SVG, so that it is as sharp as the screen, follows the theme
// and can be read; at most a few thousand points are drawn, as lines are thinned to the pixels that they have.
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { CurveBand, CurvesAnswer, CurveSeed, CurveStop, Num } from './api.ts';
import { apart, extent, scale, tickText, ticks, type Scale } from './scales.ts';
import { path, round, smoothed } from './thin.ts';
import { arrow, Behind } from './parts.tsx';
import { shared } from './store.ts';
import type { Shown } from './copy.ts';

export interface Line { key: string; name: string; colour: string; text: string; seeds: boolean; band: boolean }

const finite = (v: Num | undefined): v is number => v != null && isFinite(v);

/** The scales of a chart: the server's limits, cut at the clip of the maps where that lies within. */
export function scales(a: CurvesAnswer, o: { logX: boolean; logY: boolean | null; width: [number, number]; height: [number, number]; clip: Num }): { x: Scale; y: Scale } {
  const xs = a.points.flatMap((p) => [...p.bands.flatMap((b) => b.x), ...p.seeds.flatMap((s) => s.x)]).filter(finite), ys = a.points.flatMap((p) => p.bands.flatMap((b) => b.mean)).filter(finite);
  const positive = ys.filter((v) => v > 0), above = xs.filter((v) => v > 0), given = a.y_scale;
  const logY = (o.logY ?? given?.log ?? false) && positive.length > 0;
  const [leastX, mostX] = extent(xs), [leastY, mostY] = extent(ys);
  const x1 = finite(a.x_scale?.high) ? a.x_scale.high : Math.max(1, mostX), x0 = o.logX ? (above.length ? extent(above)[0] : 1) : Math.min(finite(a.x_scale?.low) ? a.x_scale.low : 0, leastX);
  let from = finite(given?.low) ? given.low : ys.length ? leastY : 0, to = finite(given?.high) ? given.high : ys.length ? mostY : 1;
  // What is drawn ends the axis: of the training curve that is the mean alone.
  if (a.metrics.length > 1) {
    const least = extent([...ys, ...a.points.flatMap((p) => p.bands.filter((b) => b.metric === a.metrics[0]).flatMap((b) => b.low))].filter((v) => finite(v) && (!logY || v > 0)))[0];
    if (least > from) from = logY ? least * 0.95 : least;
  }
  if (logY && !(from > 0)) from = extent(positive)[0];
  if (a.goal !== 'max' && finite(o.clip) && o.clip > from && o.clip < to) to = o.clip;
  if (!(to > from)) { to = from + (Math.abs(from) * 0.1 || 1); if (!logY) from -= Math.abs(from) * 0.1 || 1; }
  return { x: scale(o.logX, x0, Math.max(x1, x0 * 1.001), o.width[0], o.width[1]), y: scale(logY, from, to, o.height[1], o.height[0]) };
}

interface Drawn { line: Line; band: CurveBand; seeds: CurveSeed[]; trained: CurveBand | undefined; stops: (CurveStop & { y: number })[]; first: Num }
function drawnOf(a: CurvesAnswer, lines: readonly Line[]): Drawn[] {
  const byKey = new Map(a.points.map((p) => [p.key, p])), [metric, training] = a.metrics;
  return lines.flatMap((line) => {
    const p = byKey.get(line.key), band = p?.bands.find((b) => b.metric === metric);
    if (!p || !band) return [];
    const seeds = p.seeds.filter((s) => s.metric === metric);
    const stops = p.stops.flatMap((stop) => {
      const of = seeds.find((s) => s.run_id === stop.run_id || s.seed === stop.seed), i = of?.x.findLastIndex((v, k) => finite(v) && finite(of.value[k]) && (!finite(stop.x) || v <= stop.x * (1 + 1e-9))) ?? -1;
      return of && i >= 0 ? [{ ...stop, x: of.x[i]!, y: of.value[i]! }] : [];
    });
    const at = stops.map((s) => s.x).filter(finite);
    return [{ line, band, seeds, trained: training ? p.bands.find((b) => b.metric === training) : undefined, stops, first: at.length ? Math.min(...at) : null }];
  });
}

let ids = 0;
export function CurveChart({ answer, lines, width: W, height: H, logX = false, logY = null, train = false, smooth = 0, label, by = 'epoch', clip = null }: { answer: CurvesAnswer; lines: readonly Line[]; width: number; height: number; logX?: boolean; logY?: boolean | null; train?: boolean; smooth?: number; label: string; by?: string; clip?: Num }): JSX.Element {
  const id = useMemo(() => 'clip' + ++ids, []), [hot, setHot] = useState('');
  const wide = W >= 700, R = wide ? 238 : 12, L = 48, T = 10, B = 36;
  const { x, y } = useMemo(() => scales(answer, { logX, logY, width: [L, W - R], height: [T, H - B], clip }), [answer, logX, logY, W, H, clip]);
  const drawn = useMemo(() => drawnOf(answer, lines), [answer, lines]);
  const clamp = (v: number) => y(Math.max(y.from, v));
  const from = (xs: readonly Num[]) => (logX ? xs.findIndex((v) => (v ?? 0) > 0) : 0);
  const draw = (xs: readonly Num[], ys: readonly Num[], first = 0, end = ys.length) => {
    const a = Math.max(first, from(xs));
    const vx = xs.slice(a, end), vy = ys.slice(a, end).map((v) => (finite(v) ? v : null));
    return path(vy, (i) => x(vx[i] ?? 0), clamp);
  };
  const ends = drawn.flatMap(({ line, band }) => {
    let i = band.mean.length - 1;
    while (i >= 0 && !finite(band.mean[i])) i--;
    return i < 0 ? [] : [{ line, x: x(band.x[i]!), y: Math.min(H - B, Math.max(T, clamp(band.mean[i]!))) }];
  });
  // Two lines of words for a few, one for many.
  const many = ends.length > Math.floor((H - B - T - 28) / 40), step = many ? 17 : 40, places = apart(ends.map((e) => e.y), step, T + 10, Math.max(H - B - 18, T + 10 + step * (ends.length - 1)));
  const yTicks = ticks(y, Math.max(3, Math.round((H - B - T) / 52))), xTicks = ticks(x, Math.max(3, Math.round((W - R - L) / 100)));
  const strong = (k: string) => !hot || hot === k;

  return <div class="chart" onPointerLeave={() => setHot('')}>
    <svg width={W} height={H} role="img" aria-label={label}>
      <defs><clipPath id={id}><rect x={L} y={T} width={Math.max(0, W - R - L)} height={H - B - T} /></clipPath></defs>
      {yTicks.map((t) => <g key={t}><line x1={L} x2={W - R} y1={Math.round(y(t))} y2={Math.round(y(t))} class="grid" /><text x={L - 8} y={y(t) + 4} text-anchor="end" class="t-m">{tickText(t)}</text></g>)}
      <line x1={L} x2={W - R} y1={H - B + 0.5} y2={H - B + 0.5} class="axis" />
      {xTicks.map((t) => <g key={t}><line x1={Math.round(x(t))} x2={Math.round(x(t))} y1={H - B} y2={H - B + 5} class="axis" /><text x={x(t)} y={H - B + 18} text-anchor="middle" class="t-m">{tickText(t)}</text></g>)}
      <text x={W - R} y={H - 2} text-anchor="end" class="t-f t-s">{by} →</text>
      <g clip-path={`url(#${id})`}>
        {drawn.map(({ line, band, seeds, trained, stops, first }) => {
          const c = line.colour, split = finite(first) ? band.x.findIndex((v) => finite(v) && v >= first) : -1, all = line.seeds || hot === line.key;
          const shown = smooth > 0 ? smoothed(band.mean, smooth, band.x[0] === 0 ? 1 : 0) : band.mean, solid = split < 0 ? shown.length : split + 1;
          return <g key={line.key} opacity={strong(line.key) ? 1 : 0.25}>
            {(line.band || hot === line.key) && <path d={bandPath(band, from(band.x), x, clamp)} fill={c} fill-opacity={0.11} />}
            {all && seeds.map((s, i) => <path key={i} d={draw(s.x, s.value)} fill="none" stroke={c} stroke-opacity={0.3} />)}
            {all && stops.map((s, i) => <path key={'s' + i} d={`M${round(x(s.x!))},${round(clamp(s.y) - 5)}v10`} stroke={c} stroke-width={1.5} class="stop"><title>{`seed ${s.seed}, epoch ${s.epoch}, ${s.status}: ${s.reason}`}</title></path>)}
            {train && trained && <path d={draw(trained.x, trained.mean)} fill="none" stroke={c} stroke-width={1.25} stroke-dasharray="1 3" stroke-linecap="round" />}
            {smooth > 0 && <path d={draw(band.x, band.mean)} fill="none" stroke={c} stroke-opacity={0.35} />}
            <path d={draw(band.x, shown, 0, solid)} fill="none" stroke={c} stroke-width={2.25} stroke-linejoin="round" />
            {solid < shown.length && <path d={draw(band.x, shown, solid - 1)} fill="none" stroke={c} stroke-width={2.25} stroke-dasharray="5 3" stroke-linejoin="round" />}
            <path d={draw(band.x, band.mean)} fill="none" stroke="transparent" stroke-width={12} pointer-events="stroke" class="reach" data-p={line.key} data-quiet="" onPointerEnter={() => setHot(line.key)} />
          </g>;
        })}
      </g>
      {wide && ends.map((e, i) => <g key={e.line.key} class="tail" data-p={e.line.key} data-quiet="" onPointerEnter={() => setHot(e.line.key)}>
        {e.x < W - R - 8 && <path d={`M${round(e.x + 4)},${round(e.y)}H${W - R + 4}`} fill="none" stroke={e.line.colour} stroke-dasharray="1 4" />}
        <path d={`M${W - R + 4},${round(e.y)}L${W - R + 20},${round(places[i]!)}`} fill="none" stroke={e.line.colour} stroke-opacity={0.7} />
        <text x={W - R + 26} y={places[i]! + 1} class={many ? 't-b' : 't-b t-13'} fill={e.line.colour} style={{ fill: e.line.colour }}>{e.line.name}{many && <title>{e.line.text}</title>}</text>
        {!many && <text x={W - R + 26} y={places[i]! + 17} class="t-m">{e.line.text}</text>}
      </g>)}
    </svg>
    {!wide && <ul class="ends">{drawn.map(({ line }) => <li key={line.key}><b style={{ color: line.colour }}>{line.name}</b> <span class="muted">{line.text}</span></li>)}</ul>}
    <Behind of={() => table(answer, drawn, by)} />
  </div>;
}

function bandPath(p: CurveBand, first: number, x: Scale, y: (v: number) => number): string {
  const at: number[] = [];
  for (let i = Math.max(0, first); i < p.x.length; i++) if (finite(p.x[i]) && finite(p.low[i]) && finite(p.high[i])) at.push(i);
  if (at.length < 2) return '';
  const to = (i: number, v: Num | undefined) => round(x(p.x[i]!)) + ',' + round(y(v!));
  return 'M' + at.map((i) => to(i, p.high[i])).join('L') + 'L' + at.reverse().map((i) => to(i, p.low[i])).join('L') + 'Z';
}

function table(a: CurvesAnswer, drawn: readonly Drawn[], by: string): Shown {
  const last = (c: CurveSeed) => { let i = c.value.length - 1; while (i >= 0 && !finite(c.value[i])) i--; return i < 0 ? ['', ''] : [tickText(c.x[i]!), String(Number(c.value[i]!.toPrecision(5)))]; };
  return {
    heads: ['point', 'seed', `last ${by}`, `${a.metrics[0]}${a.metrics[0] === shared.answer?.metric ? ' ' + arrow() : ''} there`, 'ended because'], right: [false, true, true, true, false],
    rows: drawn.flatMap(({ line, seeds, stops }) => seeds.map((s) => [line.name, String(s.seed), ...last(s), stops.find((x) => x.seed === s.seed)?.reason ?? ''])),
  };
}
