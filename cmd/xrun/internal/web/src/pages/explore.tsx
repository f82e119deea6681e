import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Absent, ask, type ParallelAnswer, type SensitivityAnswer } from '../api.ts';
import { boxExpression, named } from '../box.ts';
import { command } from '../command.ts';
import { arrow, Behind, Cmd, Context, Pick, Problem, scope, Sec, useWidth, Waiting } from '../parts.tsx';
import { DATA_SET, type Point } from '../points.ts';
import { apart, extent, scale, settingText, tickText, ticks, type Scale } from '../scales.ts';
import { asked } from '../state.ts';
import { go, pin, shared, state, useAsk, useShared, wantClip } from '../store.ts';
import { round } from '../thin.ts';
import { colourOf } from './curves.tsx';

/** All points at once: parallel coordinates, any axis against any other, and each axis alone. A brush sets the filter of every page. */
export function ExplorePage(): JSX.Element {
  const points = (useShared(), shared.points);
  wantClip();
  return <div class="page explore">
    <Context />
    {shared.error && !points ? <Problem error={shared.error} /> : !points ? <Waiting what="reading points" /> : <>
      <Parallel />
      <Scatter />
      <Sensitivity />
    </>}
  </div>;
}

const labelOf = (axis: string): string => (axis === 'lambda' ? 'λ' : axis === DATA_SET ? 'data set' : axis);
const inside = (key: string): boolean => !shared.matching || shared.matching.has(key);

interface Axis { name: string; text: string[]; number: (number | null)[]; apart: boolean; place: Map<string, number> }

function axesOf(a: ParallelAnswer | null): { axes: Axis[]; keys: string[] } {
  const points = shared.points!;
  if (a) return { keys: a.key, axes: a.axes.map((x) => ({ name: x.name, text: x.text, number: x.number, apart: !!x.zero_apart, place: new Map(a.key.map((k, i) => [k, x.place[i]!])) })) };
  const list = points.list.filter((p) => p.mean !== null && isFinite(p.mean));
  return { keys: list.map((p) => p.key), axes: points.axes.map((name) => {
    const values = [...new Set(list.map((p) => p.axes[name] ?? ''))], numeric = values.every((v) => typeof v === 'number');
    if (numeric) (values as number[]).sort((p, q) => p - q);
    return { name, text: values.map((v) => (typeof v === 'number' ? settingText(v) : v)), number: values.map((v) => (typeof v === 'number' ? v : null)), apart: numeric && values[0] === 0 && values.length > 2, place: new Map(list.map((p) => [p.key, values.indexOf(p.axes[name] ?? '')])) };
  }) };
}

/** Lines are drawn on a canvas of the screen's own pixels: ten thousand of them are too many for a document. */
function Parallel(): JSX.Element {
  const s = useShared(), points = shared.points!, [ref, W] = useWidth(), canvas = useRef<HTMLCanvasElement>(null), [over, setOver] = useState('');
  const [brush, setBrush] = useState<{ axis: number; from: number; to: number } | null>(null);
  const got = useAsk('parallel ' + JSON.stringify(asked(s)), () => (points.problems.length > 1 ? Promise.resolve(null) : ask<ParallelAnswer>('parallel', [...asked(s), ['limit', 5000]])).catch((e: Error) => { if (e instanceof Absent) return null; throw e; }));
  const ready = !got.loading, { axes, keys } = useMemo(() => axesOf(got.value), [got.value, points]);
  const H = 340, T = 34, B = 20, L = W >= 700 ? 72 : 24, R = W >= 700 ? 90 : 40, n = axes.length + 1;
  const xs = Array.from({ length: n }, (_, i) => L + (i * (W - L - R)) / Math.max(1, n - 1));
  const means = keys.map((k) => points.byKey.get(k)?.mean ?? null), finite = means.filter((v): v is number => v !== null && isFinite(v));
  const y = useMemo((): Scale => {
    let [low, high] = finite.length ? extent(finite) : [0, 1];
    if (shared.clip !== null && shared.clip > low && shared.clip < high) { if (shared.answer?.goal === 'max') low = shared.clip; else high = shared.clip; }
    const log = low > 0 && high / low > 3;
    return scale(log, low, high > low ? high : low + 1e-12 + Math.abs(low) * 0.1, H - B, T);
  }, [keys, shared.clip, points]);
  const at = (axis: Axis, place: number): number => {
    const count = axis.text.length;
    if (count < 2) return (T + H - B) / 2;
    const gap = axis.apart ? 0.6 : 0, total = count - 1 + gap, k = place + (axis.apart && place > 0 ? gap : 0);
    return H - B - (k / total) * (H - B - T);
  };
  const yOf = (axis: number, key: string): number => {
    if (axis === axes.length) { const v = points.byKey.get(key)?.mean; return v == null || !isFinite(v) ? H - B : y(Math.min(y.to, Math.max(y.from, v))); }
    const a = axes[axis]!;
    return at(a, a.place.get(key) ?? 0);
  };
  // Lines through one value would hide each other: each is moved by its rank, at most six pixels.
  const ranks = useMemo(() => new Map(keys.map((k) => [k, (points.byKey.get(k)?.rank ?? 0) / Math.max(1, points.of)])), [keys, points]);
  const spread = (axis: number, key: string) => (axis === axes.length ? 0 : ((ranks.get(key) ?? 0) - 0.5) * 10);

  useEffect(() => {
    const c = canvas.current, g = c?.getContext('2d');
    if (!c || !g) return;
    const dpr = devicePixelRatio || 1, css = getComputedStyle(document.documentElement), colour = (v: string) => { const m = /^var\((--[\w-]+)\)$/.exec(v); return m ? css.getPropertyValue(m[1]!).trim() : v; };
    c.width = Math.round(W * dpr); c.height = Math.round(H * dpr);
    g.scale(dpr, dpr);
    g.clearRect(0, 0, W, H);
    const draw = (k: string, stroke: string, width: number, alpha: number) => {
      g.beginPath();
      for (let i = 0; i < n; i++) { const px = xs[i]!, py = yOf(i, k) + spread(i, k); if (i) { const mid = (xs[i - 1]! + px) / 2; g.bezierCurveTo(mid, yOf(i - 1, k) + spread(i - 1, k), mid, py, px, py); } else g.moveTo(px, py); }
      g.strokeStyle = stroke; g.lineWidth = width; g.globalAlpha = alpha; g.stroke();
    };
    const dim = Math.max(0.05, Math.min(0.5, 60 / keys.length)), pinned = new Set(s.pin), ink = new Map<string, string>();
    const tone = (p: Point | undefined) => { const v = p ? colourOf(p) : 'var(--ink)'; let t = ink.get(v); if (!t) ink.set(v, (t = colour(v))); return t; };
    for (let i = keys.length - 1; i >= 0; i--) { const k = keys[i]!; if (inside(k)) draw(k, tone(points.byKey.get(k)), 1, shared.matching ? Math.max(0.35, dim) : dim); else draw(k, colour('var(--rule)'), 1, 0.12); }
    const best = points.best?.key;
    if (best && keys.includes(best)) draw(best, colour('var(--ink)'), 2.25, 1);
    for (const k of pinned) if (keys.includes(k)) draw(k, colour('var(--you)'), 2.25, 1);
    if (over) draw(over, colour('var(--you)'), 2, 1);
  });

  const local = (e: PointerEvent) => { const r = ref.current!.getBoundingClientRect(); return [e.clientX - r.left, e.clientY - r.top] as const; };
  const nearestAxis = (px: number) => xs.reduce((b, v, i) => (Math.abs(v - px) < Math.abs(xs[b]! - px) ? i : b), 0);
  const find = (px: number, py: number): string => {
    let i = 0;
    while (i < n - 2 && px > xs[i + 1]!) i++;
    const f = Math.max(0, Math.min(1, (px - xs[i]!) / (xs[i + 1]! - xs[i]! || 1))), ease = f * f * (3 - 2 * f);
    let best = '', least = 7;
    for (const k of keys) { if (!inside(k)) continue; const a = yOf(i, k) + spread(i, k), b = yOf(i + 1, k) + spread(i + 1, k), d = Math.abs(a + (b - a) * ease - py); if (d < least) { least = d; best = k; } }
    return best;
  };
  const expressionOf = (b: { axis: number; from: number; to: number }): string => {
    const low = Math.min(b.from, b.to), high = Math.max(b.from, b.to);
    if (b.axis === axes.length) {
      const metric = named(shared.answer?.metric ?? 'value'), parts = [], u = y.back(Math.min(H - B, high)), v = y.back(Math.max(T, low));
      const round2 = (x: number) => String(Number(x.toPrecision(3))).replace('e+', 'e');
      if (high < H - B) parts.push(`${metric} >= ${round2(u)}`);
      if (low > T) parts.push(`${metric} <= ${round2(v)}`);
      return parts.join(' and ');
    }
    const a = axes[b.axis]!, chosen = a.text.map((_, i) => i).filter((i) => { const p = at(a, i); return p >= low - 6 && p <= high + 6; });
    const value = (i: number): string | number => a.number[i] ?? a.text[i]!;
    return boxExpression(a.text.map((_, i) => ({ [a.name]: value(i) })), chosen.map((i) => ({ [a.name]: value(i) })), [a.name]);
  };
  const hovered = over ? points.byKey.get(over) : undefined;
  if (ready && !keys.length) return <Sec first title="Parallel coordinates" small={<>0 of {points.of} points shown</>}><p class="muted">No point has all its seeds yet.</p></Sec>;
  return <Sec first title="Parallel coordinates" small={<>{scope(keys.filter(inside).length, points.of)}</>}>
    <div ref={ref} class="parallel" style={{ height: H + 'px' }}
      onPointerMove={(e) => { const [px, py] = local(e); if (brush) setBrush({ ...brush, to: py }); else setOver(find(px, py)); }}
      onPointerLeave={() => { if (!brush) setOver(''); }}
      onPointerDown={(e) => { const [px, py] = local(e), i = nearestAxis(px); if (Math.abs(xs[i]! - px) < 18) { e.currentTarget.setPointerCapture(e.pointerId); setBrush({ axis: i, from: py, to: py }); e.preventDefault(); } }}
      onPointerUp={() => { if (!brush) return; const b = brush; setBrush(null); if (Math.abs(b.to - b.from) < 5) return; const more = expressionOf(b), old = state.view.where.trim(); if (more) go({ where: old && old !== more ? `${/\bor\b/.test(old) ? `(${old})` : old} and ${more}` : more }); }}
      onClick={() => { if (over && !brush) pin(over); }}>
      <canvas ref={canvas} style={{ width: W + 'px', height: H + 'px' }} role="img" aria-label={`${keys.length} points over ${axes.map((a) => labelOf(a.name)).join(', ')} and ${shared.answer?.metric ?? ''}`} />
      <svg width={W} height={H} aria-hidden="true">
        {xs.map((px, i) => {
          const a = axes[i], name = a ? labelOf(a.name) : `${shared.answer?.metric ?? ''} ${arrow()}`, anchor = i === 0 && W < 700 ? 'start' : i === n - 1 && W < 700 ? 'end' : 'middle';
          return <g key={i}><line x1={px} x2={px} y1={T - 6} y2={H - B + 6} class="axis" /><text x={i === 0 && W < 700 ? 0 : px} y={W < 700 && n > 4 && i === n - 1 ? 25 : 12} text-anchor={anchor} class="t-b">{name}</text>
            {a ? a.text.map((t, k) => (a.text.length <= 12 || k % Math.ceil(a.text.length / 12) === 0) && <g key={k}><line x1={px - 3} x2={px + 3} y1={at(a, k)} y2={at(a, k)} class="axis" /><text x={i === 0 && W >= 700 ? px - 8 : px + 6} text-anchor={i === 0 && W >= 700 ? 'end' : 'start'} y={at(a, k) + 4} class="t-m t-s halo">{t}</text></g>) : ticks(y, 6).map((t) => <text key={t} x={px + 8} y={y(t) + 4} class="t-m t-s halo">{tickText(t)}</text>)}
            {a?.apart && <path d={`M${px - 4},${(at(a, 0) + at(a, 1)) / 2 + 3}l8,-4m-8,0l8,-4`} stroke="var(--faint)" fill="none" />}
            {brush?.axis === i && <rect x={px - 8} width={16} y={Math.min(brush.from, brush.to)} height={Math.abs(brush.to - brush.from)} class="box" />}</g>;
        })}
      </svg>
    </div>
    <p class="key readout" aria-live="off">{hovered ? <><b>{hovered.short}</b> #{hovered.rank}, {shared.answer?.metric} {hovered.text}</> : <>Drag along an axis to choose values: the filter of every page. Click a line to pin it. {ready && keys.length < points.of ? `${keys.length} of ${points.of} points shown: those with all seeds.` : ''}{finite.length > 0 && y.to < extent(finite)[1] ? ` The value's axis ends at ${tickText(Number(y.to.toPrecision(3)))}, where the maps clip.` : ''}</>}</p>
    <Behind of={() => ({ heads: [...axes.map((a) => labelOf(a.name)), `${shared.answer?.metric ?? ''} ${arrow()}`], right: [...axes.map((a) => a.number.every((v) => v !== null)), false], rows: keys.filter(inside).map((k) => [...axes.map((a) => a.text[a.place.get(k) ?? 0] ?? ''), points.byKey.get(k)?.text ?? '']) })} />
  </Sec>;
}

/** A scale for an axis of points: 0 apart where numbers span decades; words in their order. */
function placed(axis: string, list: readonly Point[], start: number, end: number): { at: (p: Point) => number | null; ticks: { at: number; text: string }[]; back: ((px: number) => number) | null } {
  const value = (p: Point): number | string | null => (axis === 'value' ? p.mean : axis === 'epochs' ? p.epochs : p.axes[axis] ?? null);
  const all = [...new Set(list.map(value))].filter((v): v is number | string => v !== null && (typeof v === 'string' || isFinite(v)));
  if (!all.length || all.some((v) => typeof v === 'string')) {
    const step = (end - start) / Math.max(1, all.length), of = (i: number) => start + step * (i + 0.5);
    return { at: (p) => { const i = all.indexOf(value(p) ?? ''); return i < 0 ? null : of(i); }, ticks: all.map((v, i) => ({ at: of(i), text: String(v) })), back: null };
  }
  const numbers = (all as number[]).sort((a, b) => a - b), positive = numbers.filter((v) => v > 0), zero = numbers.includes(0);
  let low = numbers[0]!, high = numbers.at(-1)!;
  if (axis === 'value' && shared.clip !== null && shared.clip > low && shared.clip < high) { if (shared.answer?.goal === 'max') low = shared.clip; else high = shared.clip; }
  const log = low >= 0 && positive.length > 1 && positive.at(-1)! / positive[0]! >= (axis === 'epochs' ? Infinity : 8), room = log && zero ? 44 * Math.sign(end - start) : 0;
  const inset = 14 * Math.sign(end - start), x = scale(log, log ? positive[0]! : low, (log ? Math.min(high, positive.at(-1)!) : high) || 1, start + inset + room, end - inset);
  const own = numbers.filter((v) => v > 0 || !log), marks = own.length <= 8 && axis !== 'value' ? own : ticks(x, 6);
  return { at: (p) => { const v = value(p); return typeof v !== 'number' || !isFinite(v) ? null : log && v === 0 ? start + inset : x(Math.max(x.from, Math.min(x.to, v))); }, ticks: [...(log && zero ? [{ at: start + inset, text: '0' }] : []), ...marks.map((v) => ({ at: x(v), text: (axis === 'value' || axis === 'epochs' ? tickText : settingText)(v) }))], back: log && zero ? null : (px) => x.back(px) };
}

function Scatter(): JSX.Element {
  const s = useShared(), points = shared.points!, [ref, W] = useWidth(), choices = [...points.axes, 'epochs', 'value'];
  const [a, b] = [s.view.columns && choices.includes(s.view.columns) ? s.view.columns : points.axes.includes('lr') ? 'lr' : points.axes[0] ?? 'epochs', s.view.rows && choices.includes(s.view.rows) ? s.view.rows : 'value'];
  const H = 340, L = 64, R = 16, T = 12, B = 40, most = 4000, list = points.list.slice(0, most);
  const x = useMemo(() => placed(a, list, L, W - R), [a, points, W]), y = useMemo(() => placed(b, list, H - B, T), [b, points, shared.clip]);
  const words = (v: string) => (v === 'value' ? `${shared.answer?.metric ?? ''} ${arrow()}` : labelOf(v)), crowded = list.length > 600;
  // Arms of one value stand side by side, where there is room.
  const arms = [...new Set(list.map((p) => p.arm))].sort(), dodge = x.ticks.length > 1 && x.ticks.length <= 24 && arms.length <= 6 && a !== 'value' && a !== 'epochs' ? Math.min(8, (W - L - R) / x.ticks.length / (arms.length + 1)) : 0;
  const shifted = (p: Point): number | null => { const at = x.at(p); return at === null ? null : at + (arms.indexOf(p.arm) - (arms.length - 1) / 2) * dodge; };
  const [over, setOver] = useState<Point | null>(null), canvas = useRef<HTMLCanvasElement>(null);
  const place = (p: Point): [number, number] | null => { const px = shifted(p), py = y.at(p); return px === null || py === null ? null : [px, py]; };
  // Thousands of points are too many for a document: they are drawn on a canvas of the screen's own pixels.
  useEffect(() => {
    const c = canvas.current, g = c?.getContext('2d');
    if (!c || !g) return;
    const dpr = devicePixelRatio || 1, css = getComputedStyle(document.documentElement), tones = new Map<string, string>();
    const tone = (v: string) => { let t = tones.get(v); if (!t) tones.set(v, (t = /^var\((--[\w-]+)\)$/.test(v) ? css.getPropertyValue(v.slice(4, -1)).trim() : v)); return t; };
    c.width = Math.round(W * dpr); c.height = Math.round(H * dpr);
    g.scale(dpr, dpr);
    for (let i = list.length - 1; i >= 0; i--) {
      const p = list[i]!, at = place(p);
      if (!at) continue;
      g.globalAlpha = inside(p.key) ? 0.5 : 0.06;
      g.fillStyle = tone(colourOf(p));
      g.beginPath(); g.arc(at[0], at[1], 2.5, 0, 7); g.fill();
    }
  });
  const nearest = (px: number, py: number): Point | null => { let best: Point | null = null, least = 64; for (const p of list) { const at = place(p); if (!at) continue; const d = (at[0] - px) ** 2 + (at[1] - py) ** 2; if (d < least) { least = d; best = p; } } return best; };
  const [box, setBox] = useState<{ x0: number; y0: number; x1: number; y1: number } | null>(null);
  const local = (e: PointerEvent) => { const r = ref.current!.getBoundingClientRect(); return [e.clientX - r.left, e.clientY - r.top] as const; };
  const end = () => {
    const d = box;
    setBox(null);
    if (!d || (Math.abs(d.x1 - d.x0) < 6 && Math.abs(d.y1 - d.y0) < 6)) return;
    const [l, r, t, u] = [Math.min(d.x0, d.x1), Math.max(d.x0, d.x1), Math.min(d.y0, d.y1), Math.max(d.y0, d.y1)];
    const within = list.filter((p) => { const px = shifted(p), py = y.at(p); return px !== null && py !== null && px >= l && px <= r && py >= t && py <= u; });
    const axes = [a, b].filter((v) => v !== 'value' && v !== 'epochs'), where = [boxExpression(list.map((p) => p.axes), within.map((p) => p.axes), axes)].filter(Boolean);
    const limit = (name: string, back: ((px: number) => number) | null, from: number, to: number, whole: [number, number]) => {
      if (!back) return;
      const [low, high] = [back(from), back(to)].sort((p, q) => p - q) as [number, number], text = (v: number) => String(Number(v.toPrecision(3))).replace('e+', 'e');
      if (Math.min(from, to) > Math.min(...whole) + 2) where.push(back(Math.min(from, to)) === low ? `${name} >= ${text(low)}` : `${name} <= ${text(high)}`);
      if (Math.max(from, to) < Math.max(...whole) - 2) where.push(back(Math.max(from, to)) === low ? `${name} >= ${text(low)}` : `${name} <= ${text(high)}`);
    };
    const metric = named(shared.answer?.metric ?? 'value');
    if (a === 'value' || a === 'epochs') limit(a === 'value' ? metric : 'epochs', x.back, l, r, [L, W - R]);
    if (b === 'value' || b === 'epochs') limit(b === 'value' ? metric : 'epochs', y.back, t, u, [T, H - B]);
    if (where.length && within.length) go({ where: where.join(' and ') });
  };
  return <Sec title="Scatter" small={scope(list.filter((p) => inside(p.key)).length, points.of)}>
    <div class="choices"><Pick label="across" value={a} of={choices} set={(v) => go({ columns: v })} /><Pick label="up" value={b} of={choices} set={(v) => go({ rows: v })} /></div>
    <div ref={ref} class="scatter" onPointerDown={(e) => { const [px, py] = local(e); if (e.button === 0 && e.pointerType !== 'touch' && !(e.target as Element).closest('.mark')) { e.currentTarget.setPointerCapture(e.pointerId); setBox({ x0: px, y0: py, x1: px, y1: py }); e.preventDefault(); } }} onPointerMove={(e) => { const [px, py] = local(e); if (box) setBox({ ...box, x1: px, y1: py }); else if (crowded) setOver(nearest(px, py)); }} onPointerLeave={() => setOver(null)} onPointerUp={end} onClick={() => { if (over && crowded) pin(over.key); }}>
      {crowded && <canvas ref={canvas} style={{ width: W + 'px', height: H + 'px' }} aria-hidden="true" />}
      <svg width={W} height={H} role="group" aria-label={`${words(b)} against ${words(a)}, ${list.length} points`}>
        {y.ticks.map((t) => <g key={t.text}><line x1={L} x2={W - R} y1={Math.round(t.at)} y2={Math.round(t.at)} class="grid" /><text x={L - 8} y={t.at + 4} text-anchor="end" class="t-m t-s">{t.text.slice(0, 10)}</text></g>)}
        <line x1={L} x2={W - R} y1={H - B + 0.5} y2={H - B + 0.5} class="axis" />
        {x.ticks.map((t) => <text key={t.text} x={t.at} y={H - B + 18} text-anchor="middle" class="t-m t-s">{t.text.slice(0, 14)}</text>)}
        <text x={W - R} y={H - 4} text-anchor="end" class="t-f t-s">{words(a)} →</text>
        {over && place(over) && <circle cx={place(over)![0]} cy={place(over)![1]} r={6} fill="none" stroke="var(--you)" stroke-width={2} />}
        {(crowded ? list.filter((p) => p === points.best || s.pin.includes(p.key)) : [...list]).reverse().map((p) => {
          const px = shifted(p), py = y.at(p), pinned = s.pin.includes(p.key), best = p === points.best;
          if (px === null || py === null) return null;
          const dim = !inside(p.key), c = pinned ? 'var(--you)' : best ? 'var(--ink)' : colourOf(p);
          return <g key={p.key} class="mark" data-p={p.key} tabindex={best ? 0 : -1} role="button" aria-label={`${p.short}: ${p.text}`}>
            {b === 'value' && !crowded && p.low !== null && p.high !== null && y.back && <line x1={px} x2={px} y1={Math.max(T, Math.min(H - B, y.at({ ...p, mean: p.low })!))} y2={Math.max(T, Math.min(H - B, y.at({ ...p, mean: p.high })!))} stroke={c} stroke-opacity={dim ? 0.06 : 0.22} />}
            <circle cx={px} cy={py} r={best || pinned ? 5 : crowded ? 2.5 : 3.5} fill={c} fill-opacity={dim ? 0.1 : best || pinned ? 1 : crowded ? 0.45 : 0.75} stroke="var(--paper)" stroke-width={crowded ? 0 : 0.75} /></g>;
        })}
        {box && <rect class="box" x={Math.min(box.x0, box.x1)} y={Math.min(box.y0, box.y1)} width={Math.abs(box.x1 - box.x0)} height={Math.abs(box.y1 - box.y0)} />}
      </svg>
    </div>
    <p class="key readout">{over ? <><b>{over.short}</b> #{over.rank}, {shared.answer?.metric} {over.text}. </> : null}Colour: the arm. Large: the best, and what is pinned. Drag a box to choose, click a point to pin it.{points.of > most ? ` The best ${most} of ${points.of} points are drawn.` : ''}</p>
    <Behind of={() => ({ heads: [words(a), words(b), 'point'], right: [true, true, false], rows: list.filter((p) => inside(p.key)).map((p) => [a, b].map((v) => { const z = v === 'value' ? p.text : v === 'epochs' ? String(p.epochs ?? '') : p.axes[v]; return typeof z === 'number' ? settingText(z) : String(z ?? ''); }).concat(p.short)) })} />
  </Sec>;
}

/** The best of each arm at each learning rate: how much the choice matters. */
function Sensitivity(): JSX.Element | null {
  const s = useShared(), [ref, W] = useWidth(), points = shared.points!, [chosen, choose] = useState(''), several = points.problems.length > 1, problem = several ? (points.problems.includes(chosen) ? chosen : points.problems[0]!) : '';
  const got = useAsk('sensitivity ' + problem + JSON.stringify(asked(s)), () => ask<SensitivityAnswer>('sensitivity', [...asked(s), ['problem', problem]])), a = got.value;
  if (!a) return got.error ? (got.error instanceof Absent ? null : <Sec title="Sensitivity"><Problem error={got.error} /></Sec>) : null;
  const H = 320, L = 48, R = W >= 700 ? 170 : 12, T = 10, B = 36, rates = a.arms.flatMap((x) => x.line.map((p) => p.lr)).filter((v) => v > 0), means = a.arms.flatMap((x) => x.line.map((p) => p.mean)).filter((v): v is number => v !== null && isFinite(v));
  if (new Set(rates).size < 2 || !means.length) return null;
  const up = shared.answer?.goal !== 'max', clip = several ? null : shared.clip;
  let low = Math.min(...means), high = Math.max(...means);
  if (clip !== null && clip > low && clip < high) { if (up) high = clip; else low = clip; }
  const near = a.y_scale?.low; // below the least mean, for its interval
  if (up && near != null && isFinite(near) && near > 0 && near < low) low = near;
  const pad = (high - low) * 0.05, log = low > 0 && high / low > 2 && up, x = scale(true, Math.min(...rates), Math.max(...rates), L + 14, W - R - 10), y = scale(log, log ? low * 0.97 : low - pad, log ? high * 1.02 : high + pad, H - B, T);
  const clamp = (v: number) => y(Math.max(y.from, Math.min(y.to, v))), colour = (arm: string) => shared.colours.get(arm) ?? 'var(--ink)';
  const beyond = means.some((v) => v > y.to || v < y.from);
  const ends = a.arms.map((arm) => { const last = [...arm.line].reverse().find((p) => p.mean !== null); return last ? clamp(last.mean!) : H - B; }), places = apart(ends, 18, T + 6, H - B - 4);
  return <Sec title="Sensitivity" small={<>the best of each arm at each lr<br />{a.arms.length} of {a.arms.length} arms shown</>}>
    {several && <div class="choices"><Pick label="data set" value={problem} of={points.problems} set={choose} /></div>}
    <div ref={ref}><svg width={W} height={H} role="group" aria-label={`${a.metric} along lr: ` + a.arms.map((x) => `${x.arm}, basin ${x.basin_text ?? ''}`).join('; ')}>
      {ticks(y, 6).map((t) => <g key={t}><line x1={L} x2={W - R} y1={Math.round(y(t))} y2={Math.round(y(t))} class="grid" /><text x={L - 8} y={y(t) + 4} text-anchor="end" class="t-m">{tickText(t)}</text></g>)}
      <line x1={L} x2={W - R} y1={H - B + 0.5} y2={H - B + 0.5} class="axis" />
      {ticks(x, 7).map((t) => <text key={t} x={x(t)} y={H - B + 18} text-anchor="middle" class="t-m">{settingText(t)}</text>)}
      <text x={W - R} y={H - 2} text-anchor="end" class="t-f t-s">lr →</text>
      {a.arms.map((arm, k) => {
        const c = colour(arm.arm);
        let d = '', pen = 'M';
        for (const p of arm.line) { if (p.mean === null) { pen = 'M'; continue; } d += `${pen}${round(x(p.lr))},${round(clamp(p.mean))}`; pen = 'L'; }
        return <g key={arm.arm}>
          <path d={d} fill="none" stroke={c} stroke-width={1.5} stroke-opacity={0.6} />
          {arm.line.map((p) => { const known = p.key ? points.byKey.get(p.key) : undefined; return <g key={p.lr} class="mark" data-p={p.key || undefined} tabindex={-1} role="img" aria-label={`${arm.arm} lr ${p.text}: ${known?.text ?? (p.diverged ? 'diverged' : '')}`} opacity={known && !inside(known.key) ? 0.2 : undefined}>
            {p.mean === null ? <path d={`M${x(p.lr) - 4},${T + 4}l8,8m0,-8l-8,8`} stroke={c} fill="none"><title>diverged</title></path> : <>
              {p.low !== null && p.high !== null && p.mean <= y.to && <line x1={x(p.lr)} x2={x(p.lr)} y1={clamp(p.low)} y2={clamp(p.high)} stroke={c} stroke-width={1.5} />}
              <circle cx={x(p.lr)} cy={clamp(p.mean)} r={4} fill={p.mean > y.to || p.mean < y.from ? 'var(--paper)' : c} stroke={p.mean > y.to || p.mean < y.from ? 'var(--faint)' : 'var(--paper)'} /></>}
          </g>; })}
          {R > 100 && <text x={W - R + 12} y={places[k]! + 4} class="t-13 t-b" style={{ fill: c }}>{arm.arm}</text>}
        </g>;
      })}
    </svg></div>
    {R < 100 && <ul class="ends">{a.arms.map((x) => <li key={x.arm}><b style={{ color: colour(x.arm) }}>{x.arm}</b></li>)}</ul>}
    <p class="key"><Cmd text={command({ ...s, page: 'sensitivity' }, shared.answer?.ui?.command, { sweep: shared.answer?.sweep, problem: problem || undefined })} /></p>
    <p class="key">{a.arms.filter((x) => x.basin_text).map((x) => `${x.arm}: basin ${x.basin_text}`).join(' · ')}{a.slack ? `. A basin holds what is at most ${a.slack} worse than the arm's best.` : ''}{beyond ? ` Hollow: beyond ${tickText(Number((up ? y.to : y.from).toPrecision(3)))}.` : ''}</p>
    <Behind of={() => ({ heads: ['arm', 'lr', a.metric], right: [false, true, true], rows: a.arms.flatMap((x) => x.line.map((p) => [x.arm, p.text, p.key ? points.byKey.get(p.key)?.text ?? '' : p.diverged ? 'diverged' : ''])) })} />
  </Sec>;
}
