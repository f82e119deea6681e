import type { JSX } from 'preact';
import { Absent, ask, live, type CurvesAnswer, type SqlAnswer } from '../api.ts';
import { useMemo } from 'preact/hooks';
import { CurveChart, scales, type Line } from '../chart.tsx';
import { arrow, Context, Opts, Pick, Problem, Sec, useWidth, Waiting, off, scope } from '../parts.tsx';
import type { Point } from '../points.ts';
import { extent, scale, settingText, ticks, tickText } from '../scales.ts';
import { asked } from '../state.ts';
import { chosenPoints, go, shared, state, useAsk, useShared, wantClip, wantSeeds } from '../store.ts';
import { path } from '../thin.ts';
import { boxExpression } from '../box.ts';

/** The best of each arm, then what is pinned. */
export function compared(): Point[] {
  const { points } = shared, out = chosenPoints();
  if (!points) return out;
  if (!out.length && points.best) out.push(points.best);
  for (const key of state.pin) { const p = points.byKey.get(key); if (p && !out.includes(p)) out.push(p); }
  return out;
}

export const colourOf = (p: Point): string => shared.colours.get(p.arm) ?? 'var(--ink)';

/** What is pinned beside the best of an arm is magenta: it is what the reader chose. */
export function linesOf(of: readonly Point[], before = ''): Line[] {
  const few = of.length <= 6;
  let mine = 0;
  return of.map((p) => {
    const colour = p.chosen || !state.pin.includes(p.key) ? colourOf(p) : mine < 4 ? `color-mix(in srgb, var(--you) ${[100, 72, 52, 40][mine++]}%, var(--ink))` : colourOf(p);
    return { key: p.key, name: p.short, colour, text: `${before}${p.text}${p.epochs === null ? '' : ` · ${Math.round(p.epochs)} epochs`}`, seeds: few, band: few };
  });
}

export const MOST = 24;
/** val_loss and train_loss go into one figure. */
export const trainingOf = (metric: string): string => (/^val_/.test(metric) ? metric.replace(/^val_/, 'train_') : '');

export async function curvesRequest(keys: readonly string[], o: { metric?: string; seconds?: boolean; train?: boolean; more?: [string, string | number][] } = {}): Promise<CurvesAnswer> {
  const shown = o.metric || shared.answer?.metric || '', asks = asked(state).filter(([k]) => k !== 'metric' && k !== 'cols'), rank = state.question.metric;
  const request = (metrics: readonly string[]) => ask<CurvesAnswer>('curves', [...asks, ...(rank ? [['rank', rank] as [string, string]] : []), ...keys.map((k): [string, string] => ['point', k]),
    ...metrics.map((m): [string, string] => ['metric', m]), ...(o.seconds ? [['x', 'seconds'] as [string, string]] : []), ...(o.more ?? [])]);
  const alone = () => request(o.metric || rank ? [shown] : []);
  // A file has the curves of its own metric alone.
  return o.train && trainingOf(shown) ? request([shown, trainingOf(shown)]).catch((e: Error) => { if (e instanceof Absent) return alone(); throw e; }) : alone();
}

/** The metrics that have curves: those of a run of the best point. */
function useLogged(): readonly string[] {
  const best = shared.points?.best, there = wantSeeds(live ? best : undefined), run = there ? best?.seeds.find((x) => x[1] !== null)?.[1] : undefined;
  const got = useAsk('logged ' + (run ?? ''), async () => (live && run != null ? ask<SqlAnswer>('sql', [['q', `SELECT metric FROM best WHERE run_id = ${run} AND count > 1 ORDER BY metric`], ['limit', 200]]) : null));
  return got.value?.rows?.map((r) => String(r[0])) ?? [];
}

export function CurvesPage(): JSX.Element {
  const s = useShared(), [ref, W] = useWidth(), { points, answer } = shared, own = answer?.metric ?? '';
  wantClip();
  const logged = useLogged(), all = compared(), of = all.slice(0, MOST), v = s.view, by = v.x === 'seconds' ? 'seconds' : 'epoch', train = v.train !== 'off';
  const got = useAsk(JSON.stringify([of.map((p) => p.key), by, train, v.curve, asked(s), own]), async () => (of.length && answer ? curvesRequest(of.map((p) => p.key), { metric: v.curve, seconds: by === 'seconds', train }) : null));
  const metric = got.value?.metrics[0] ?? (v.curve || own), pinned = of.some((p) => s.pin.includes(p.key) && !p.chosen), other = metric !== own;
  const log = v.y ? v.y === 'log' : got.value?.y_scale?.log ?? false, clip = other ? null : shared.clip, dotted = train && (got.value?.metrics.length ?? 0) > 1 && !!got.value?.points.some((p) => p.bands.some((b) => b.metric === trainingOf(metric) && b.x.length > 0));
  const lines = useMemo(() => linesOf(of, other ? own + ' ' : ''), [of.map((p) => p.key).join(), s.pin.join(), shared.colours, other, own]);
  const ends = got.value ? scales(got.value, { logX: false, logY: v.y ? v.y === 'log' : null, width: [0, 1], height: [0, 1], clip }).y.to : null, clipped = ends !== null && ends === clip;
  const choices = [...new Set([own, ...logged, ...(v.curve ? [v.curve] : [])])].filter(Boolean);
  // The command draws the best of each arm by the metric that it is asked for: others are named.
  const named = points && of.length && (other || pinned) ? { metric: other ? metric : '', of: of.filter((p) => points.problems.length < 2 || p.problem === points.problems[0]).map((p) => boxExpression(points.list.map((q) => q.axes), [p.axes], points.axes)).filter(Boolean) } : undefined;
  return <div class="page curves">
    <Context extra={{ curves: named?.of.length ? named : undefined }} />
    <Sec first title={`${metric} by ${by}`} small={<>the best of each arm{other ? ` by ${own}` : ''}{pinned ? ', and what is pinned' : ''}<br />{points ? `${of.length} of ${points.of} points shown` : ''}</>}>
      <div class="choices">
        {choices.length > 1 && <Pick label="metric" value={metric} of={choices} set={(m) => go({ curve: m === own ? '' : m })} />}
        {trainingOf(metric) && (!logged.length || logged.includes(trainingOf(metric))) && live && <Opts label="training" value={train ? '' : 'off'} of={[['', 'dotted'], ['off', 'off']]} set={(train) => go({ train })} />}
        <Opts label="smooth" value={v.smooth} of={[['', 'off'], ['2', '5 epochs'], ['5', '11 epochs']]} set={(smooth) => go({ smooth })} />
      </div>
      <div class="choices">
        <Opts label="x" value={v.x} of={[['epoch', 'epochs'], ['seconds', 'seconds']]} set={(x) => go({ x })} />
        <Opts label="x axis" value={v.xs} of={[['linear', 'linear'], ['log', 'log']]} set={(xs) => go({ xs })} />
        <Opts label="y axis" value={log ? 'log' : 'linear'} of={[['log', 'log'], ['linear', 'linear']]} set={(y) => go({ y })} />
      </div>
      <div ref={ref}>
        {got.error ? <Problem error={got.error} /> : !got.value ? <Waiting what="reading curves" /> :
          <CurveChart answer={got.value} lines={lines} width={W} height={W < 700 ? 300 : Math.max(400, 60 + 17 * of.length)} logX={v.xs === 'log'} logY={v.y ? v.y === 'log' : null} train={train} smooth={Number(v.smooth) || 0} clip={clip} by={by} label={`${metric} by ${by}: ` + of.map((p) => `${p.short} comes to ${other ? own + ' ' : ''}${p.text}`).join('; ')} />}
      </div>
      <p class="key">Line: the mean of the seeds; band: 95 % interval; thin: the seeds, unsmoothed.{dotted ? ` Dotted: ${trainingOf(metric)}.` : ''}{(points?.problems.length ?? 0) > 1 ? ` The command draws one data set, here ${points!.problems[0]}.` : ''}{of.length > 6 ? ' Of more than six points, bands and seeds show under the pointer.' : ''} A tick is where a seed ended early. From the first of them on the mean is dashed: a seed that has ended keeps its last value.{clipped ? ` The axis ends at ${tickText(Number(ends.toPrecision(3)))}, where the maps clip.` : ''}{got.value?.y_scale?.note ? ` ${got.value.y_scale.note}` : ''}{v.smooth ? ' Thick: a moving mean, as asked; the raw line stands behind it.' : ''}{all.length > MOST ? ` ${MOST} of ${all.length} chosen and pinned points are drawn.` : ''}</p>
    </Sec>
    {live && points && points.list.length > 1 && points.list.some((p) => p.epochs) && <Every metric={v.curve} />}
  </div>;
}

/** Every point as small multiples: lr across, arms down, λ by grey, on one scale. */
function Every({ metric }: { metric: string }): JSX.Element | null {
  const s = useShared(), points = shared.points!, [ref, W] = useWidth();
  const shown = points.list.slice(0, points.of > 240 ? 60 : 240); // of thousands the first: each has a curve a seed to be read
  const got = useAsk(JSON.stringify(['every', metric, shown.map((p) => p.key), asked(s)]), async () => {
    const parts: CurvesAnswer[] = [];
    for (let i = 0; i < shown.length; i += 60) parts.push(await curvesRequest(shown.slice(i, i + 60).map((p) => p.key), { metric, more: [['seeds', 0]] }));
    return { ...parts[0]!, points: parts.flatMap((p) => p.points) };
  });
  const lrs = [...new Set(shown.map((p) => p.lr))].filter((v): v is number => v !== null).sort((a, b) => a - b);
  const lambdas = [...new Set(shown.map((p) => p.lambda))].filter((v): v is number => v !== null).sort((a, b) => a - b);
  // Of several data sets each arm has a row for each of them.
  const several = points.problems.length > 1, rowOf = (p: Point) => (several ? `${p.problem}: ${p.arm}` : p.arm), arms = [...new Set(shown.map(rowOf))];
  if (got.error || lrs.length < 2 || lrs.length > 24 || arms.length > 24) return null;
  const shade = (l: number | null) => l === 0 || lambdas.length < 2 ? 'var(--ink)' : `color-mix(in srgb, var(--ink) ${Math.round(100 - 76 * (lambdas.filter((x) => x > 0).indexOf(l ?? 0) / Math.max(1, lambdas.filter((x) => x > 0).length - 1)))}%, var(--paper))`;
  const name = (arm: string) => arm;
  const narrow = W < 700, lab = narrow ? 0 : Math.min(150, 12 + 7 * Math.max(...arms.map((a) => name(a).length))), gap = 8, w = narrow ? 96 : (W - lab - gap * (lrs.length - 1) - 34) / lrs.length, h = narrow ? 64 : 84, top = 22, H = top + arms.length * (h + gap) + 22;
  const curves = new Map(got.value?.points.map((p) => [p.key, p]));
  const values = [...curves.values()].flatMap((c) => c.bands[0]?.mean ?? []).filter((v): v is number => v !== null && isFinite(v));
  const log = (s.view.y ? s.view.y === 'log' : got.value?.y_scale?.log ?? false) && values.some((v) => v > 0);
  const sorted = values.filter((v) => !log || v > 0).sort((a, b) => a - b);
  if (got.value && sorted.length < 2) return null;
  const from = sorted[0] ?? 0, to = sorted[Math.floor(0.995 * (sorted.length - 1))] ?? 1, last = extent([1, ...[...curves.values()].flatMap((c) => c.bands[0]?.x ?? [])])[1];
  return <Sec title="Every point" small={scope(shared.matching ? shown.filter((p) => !off(p)).length : shown.length, points.of)}>
    <div class="scroll" tabIndex={0} ref={ref}>
      {!got.value ? <Waiting what="reading curves" /> :
        <svg width={narrow ? (w + gap) * lrs.length : W} height={H} role="group" aria-label={`${got.value.metrics[0]} ${arrow()} by epoch of every point, lr across, arms down`}>
          {lrs.map((l, i) => <text key={l} x={lab + i * (w + gap)} y={12} class="t-m">{(i ? '' : 'lr ') + settingText(l)}</text>)}
          {arms.map((arm, r) => {
            const y0 = top + r * (h + gap), Y = scale(log, from, to > from ? to : from * 1.1 + 1e-9, y0 + h - 4, y0 + 4);
            const grid = ticks(Y, 3);
            return <g key={arm}>
              {!narrow && <text x={0} y={y0 + 12} class="t-b t-13">{name(arm)}</text>}
              {lrs.map((l, i) => {
                const x0 = lab + i * (w + gap), X = scale(false, 0, last, x0, x0 + w);
                const cell = shown.filter((p) => rowOf(p) === arm && p.lr === l).sort((a, b) => (b.lambda ?? 0) - (a.lambda ?? 0));
                return <g key={l}>
                  <rect x={x0} y={y0} width={w} height={h} fill="var(--raise)" />
                  {grid.map((t) => <g key={t}><line x1={x0} x2={x0 + w} y1={Math.round(Y(t))} y2={Math.round(Y(t))} class="grid" />{i === lrs.length - 1 && !narrow && <text x={x0 + w + 6} y={Y(t) + 4} class="t-m t-s">{tickText(t)}</text>}</g>)}
                  {cell.map((p) => {
                    const c = curves.get(p.key)?.bands[0];
                    if (!c) return null;
                    const pinned = s.pin.includes(p.key), own = !!p.chosen, d = path(c.mean, (j) => X(c.x[j] ?? 0), (v) => Y(Math.min(Y.to, Math.max(Y.from, v))));
                    return <path key={p.key} class="trace" role="button" tabindex={-1} data-p={p.key} aria-label={`${p.short}: ${p.text}`} d={d} fill="none" opacity={off(p) ? 0.12 : undefined} stroke={pinned ? 'var(--you)' : own ? colourOf(p) : shade(p.lambda)} stroke-width={pinned || own ? 2.25 : 1.25} stroke-dasharray={p.lambda === 0 && lambdas.length > 1 ? '2 2' : undefined} />;
                  })}
                </g>;
              })}
              {narrow && <text x={w - 4} y={y0 + 14} text-anchor="end" class="t-b t-s">{name(arm)}</text>}
            </g>;
          })}
          {lambdas.length > 1 && <g><text x={lab} y={H - 6} class="t-m">λ</text>{lambdas.slice(0, 8).map((l, i) => <g key={l}><line x1={lab + 16 + i * 72} x2={lab + 38 + i * 72} y1={H - 10} y2={H - 10} stroke={shade(l)} stroke-width={1.5} stroke-dasharray={l === 0 ? '2 2' : undefined} /><text x={lab + 44 + i * 72} y={H - 6} class="t-m">{settingText(l)}</text></g>)}</g>}
        </svg>}
    </div>
    <p class="key">One scale for all{log ? ', logarithmic' : ''}. In colour: the best of its arm.{lambdas.includes(0) && lambdas.length > 1 ? ' Dashed: λ = 0.' : ''} Click a line to pin it.{points.of > shown.length ? ` ${shown.length} of ${points.of} points shown.` : ''}</p>
  </Sec>;
}
