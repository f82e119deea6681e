import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { Absent, ask, type Cell, type CurvesAnswer, type KV, type Num, type RunAnswer, type Ticked } from '../api.ts';
import { CurveChart, type Line } from '../chart.tsx';
import { Behind, Cmd, Context, List, Problem, Sec, useWidth, Waiting, arrow } from '../parts.tsx';
import type { Point } from '../points.ts';
import { linearTicks, scale, settingText, tickText, ticks } from '../scales.ts';
import { asked } from '../state.ts';
import { quote } from '../command.ts';
import { address, baseline, go, pin, shared, useAsk, useShared, wantClip, wantSeeds } from '../store.ts';
import { nice } from '../nice.ts';
import { round } from '../thin.ts';
import { colourOf, curvesRequest } from './curves.tsx';
import { provenanceOf, settingsOf, timesOf } from './run.tsx';

interface SeedRow { seed: number; run_id: number; trial_key: string; status: string; value: Num; epoch: Num; epochs: Num; wall_seconds?: number; reason?: string; commands?: Record<string, string> }
interface Slice { axis: Ticked; key: string[]; place: number[]; mean: Num[]; low: Num[]; high: Num[]; text: string[] }
/** The command that compares one point alone: the server's, with quotes that are easier to read. */
const alone = (p: OfPoint): string => (p.where && shared.answer?.ui?.command ? `${shared.answer.ui.command} --where ${quote(p.where)}` : p.command ?? '');

interface OfPoint { seeds: SeedRow[]; settings?: { path: string; value: string }[]; slices?: Slice[]; where?: string; command?: string }

const four = (v: Num): string => (v === null ? '–' : Math.abs(v) >= 1e4 || (v !== 0 && Math.abs(v) < 1e-4) ? v.toExponential(3) : String(Number(v.toPrecision(4))).includes('.') ? v.toPrecision(4).replace(/e\+?/, 'e') : String(Number(v.toPrecision(4))));

export function SettingPage(): JSX.Element {
  const s = useShared(), points = shared.points;
  if (shared.error && !points) return <div class="page"><Context /><Problem error={shared.error} /></div>;
  if (!points) return <div class="page"><Context /><Waiting what="reading the point" /></div>;
  const p = points.byKey.get(s.view.of) ?? (s.view.of ? undefined : points.byKey.get(s.pin[0] ?? '') ?? points.best);
  if (!p) return <div class="page"><Context /><p class="second none"><b>There is no point {s.view.of} here.</b> <a href={address({ page: 'table' })}>Table</a></p></div>;
  return <Setting key={p.key} p={p} />;
}

function Setting({ p }: { p: Point }): JSX.Element {
  const s = useShared(), points = shared.points!, base = baseline(), other = base && base !== p && base.problem === p.problem ? base : undefined;
  const got = useAsk('point ' + p.key + JSON.stringify(asked(s)), () => ask<OfPoint>('point', [...asked(s), ['point', p.key]]));
  wantClip();
  wantSeeds(other);
  if (got.error) wantSeeds(p);
  const metric = shared.answer?.metric ?? '', pinned = s.pin.includes(p.key);
  // A point of the baseline's own arm would be as grey as the baseline: then it is what you opened.
  const colour = other && p.arm === other.arm ? 'var(--you)' : colourOf(p);
  const seeds: SeedRow[] = got.value?.seeds ?? p.seeds.map(([seed, run, value, epoch, epochs, status]) => ({ seed, run_id: run ?? 0, trial_key: '', status, value, epoch, epochs }));
  const standing = p.rank === 1 ? 'the best' : p.tied ? '≈ cannot be told from the best' : '', pText = points.columns.p_text?.[p.index] ?? '', pValue = points.columns.p?.[p.index] ?? null;
  const runs = seeds.map((x) => x.run_id).filter((r) => r > 0), otherRun = other?.seeds.find((x) => x[0] === seeds[0]?.seed)?.[1];
  return <div class="page setting">
    <Context extra={{ runs }} />
    <Sec first label title={`#${p.rank} of ${points.of}`} small={<>{standing && <>{standing}<br /></>}{p.problem && <>{p.problem}<br /></>}<button type="button" class="link" onClick={() => pin(p.key)}>{pinned ? 'unpin' : 'pin'}</button></>}>
      <h1 class="set">{nice(p.name)}</h1>
      <p class="second"><b>{metric} {p.text}</b>{p === base ? ', the baseline' : p.versus ? <>, <b>{p.versus}</b> {points.versusHead}</> : null}{pText && <> (<span class={pValue !== null && pValue < 0.05 ? undefined : 'doubt'}>p = {pText}</span>, n = {p.n})</>}{p.unstable && <>, <span class="doubt">unstable</span></>}{p.state && p.state !== 'missing' && <>, <span class="doubt">{p.state}</span></>}.{p.n < seeds.length && <> <span class="doubt">{p.n} of {seeds.length} seeds</span> have a result.</>}</p>
    </Sec>
    <Sec title="Seeds" small={other ? <>filled: this point. Hollow: {other.short}</> : p === base ? 'this is the baseline' : undefined}>
      <Seeds seeds={seeds} other={other} colour={colour} metric={metric} />
    </Sec>
    <Curves p={p} other={other} colour={colour} />
    {got.error && !(got.error instanceof Absent) ? <Sec title="Around it"><Problem error={got.error} /></Sec> : <Around p={p} slices={(got.value?.slices ?? sliceFromPoints(p)).filter((x) => x.axis.name !== 'optimizer' && x.axis.name !== 'regularizer')} colour={colour} />}
    <Sec title="To repeat it">
      <dl class="cmds">
        {runs[0] !== undefined && <><dt><Cmd text={seeds.find((x) => x.run_id === runs[0])?.commands?.repro ?? `xrun repro ${runs[0]}`} /></dt><dd>trains seed {seeds.find((x) => x.run_id === runs[0])!.seed} again, alone, and says whether every bit agrees</dd></>}
        {runs[0] !== undefined && otherRun != null && <><dt><Cmd text={`xrun diff ${runs[0]} ${otherRun}`} /></dt><dd>what differs from {other!.short} under the same seed; <a class="link" href={address({ page: 'diff', a: String(runs[0]), b: String(otherRun) })}>side by side</a></dd></>}
        {got.value?.command && <><dt><Cmd text={alone(got.value)} /></dt><dd>this point alone</dd></>}
      </dl>
    </Sec>
    <About settings={got.value?.settings} run={runs[0]} runs={runs} keys={seeds.map((x) => x.trial_key).filter(Boolean)} />
  </div>;
}

function Seeds({ seeds, other, colour, metric }: { seeds: readonly SeedRow[]; other: Point | undefined; colour: string; metric: string }): JSX.Element {
  const of = new Map(other?.seeds.map((x) => [x[0], x]) ?? []), values = [...seeds.map((x) => x.value), ...seeds.map((x) => of.get(x.seed)?.[2] ?? null)].filter((v): v is number => v !== null && isFinite(v));
  const W = innerWidth < 900 ? 120 : 250, H = 32, low = Math.min(...values), high = Math.max(...values), pad = (high - low || Math.abs(high) * 0.1 || 1) * 0.08;
  const x = values.length ? scale(false, low - pad, high + pad, 8, W - 8) : null, tk = x ? linearTicks(x.from, x.to, W < 200 ? 2 : 4) : [];
  const better = (a: number, b: number) => (shared.answer?.goal === 'max' ? a > b : a < b);
  const pairs = seeds.flatMap((r) => { const o = of.get(r.seed)?.[2]; return r.value !== null && o != null ? [better(r.value, o)] : []; });
  return <>
    <div class="scroll" tabIndex={0}><table class="tbl plain"><thead><tr><th>seed</th><th class="num">run</th><th class="num">{metric} {arrow()}</th>{x && <th class="bar"><span class="vh">this seed and the baseline on one scale</span><svg width={W} height={18} aria-hidden="true">{tk.map((t) => <text key={t} x={x(t)} y={13} text-anchor="middle" class="t-m t-s">{tickText(t)}</text>)}</svg></th>}{other && <th class="num">{other.optimizer && other.arm ? other.arm : 'the baseline'}</th>}<th class="num">its epoch</th><th class="num">epochs</th><th>ended because</th></tr></thead>
      <tbody>{seeds.map((r) => {
        const o = of.get(r.seed)?.[2] ?? null, ok = r.value !== null && isFinite(r.value);
        return <tr key={r.seed}><td>{r.seed}</td><td class="num muted">{r.run_id ? <a class="quietlink" href={address({ page: 'run', run: String(r.run_id) })}>{r.run_id}</a> : '–'}</td><td class="num">{four(r.value)}</td>
          {x && <td class="bar"><svg width={W} height={H} aria-hidden="true">
            {tk.map((t) => <line key={t} x1={Math.round(x(t))} x2={Math.round(x(t))} y1={0} y2={H} class="grid" />)}
            {ok && o !== null && <line x1={x(r.value!)} x2={x(o)} y1={H / 2} y2={H / 2} stroke={colour} stroke-width={1.5} />}
            {o !== null && <circle cx={x(o)} cy={H / 2} r={4} fill="var(--paper)" stroke="var(--base)" stroke-width={2} />}
            {ok && <circle cx={x(r.value!)} cy={H / 2} r={4.5} fill={colour} stroke="var(--paper)" />}
          </svg></td>}
          {other && <td class={'num' + (ok && o !== null && !better(r.value!, o) ? ' doubt' : '')}>{four(o)}</td>}
          <td class="num">{r.run_id ? r.epoch ?? '–' : '–'}</td><td class="num muted">{r.run_id ? r.epochs ?? '–' : '–'}</td><td class={'wraps ' + (r.status === 'diverged' || r.status === 'failed' ? 'doubt' : 'muted')}>{r.reason || r.status || 'not run'}</td></tr>;
      })}</tbody></table></div>
    {pairs.length > 1 && <p class="key">Same seed, same split, same first weights, same batches: so the lines between the pairs are the evidence. {pairs.filter(Boolean).length} of {pairs.length} seeds lean this way.</p>}
  </>;
}

function Curves({ p, other, colour }: { p: Point; other: Point | undefined; colour: string }): JSX.Element {
  const s = useShared(), [ref, W] = useWidth(), keys = [p.key, ...(other ? [other.key] : [])];
  const got = useAsk('of ' + keys.join() + JSON.stringify(asked(s)), (): Promise<CurvesAnswer> => curvesRequest(keys));
  const lines = useMemo((): Line[] => [...(other ? [{ key: other.key, name: other.short, colour: colourOf(other), text: other.text, seeds: false, band: true }] : []), { key: p.key, name: p.short, colour, text: `${p.text}${p.epochs === null ? '' : ` · ${Math.round(p.epochs)} epochs`}`, seeds: true, band: true }], [p, other, colour]);
  return <Sec title="Curves" small={<>mean, interval and seeds{other ? '; the baseline for scale' : ''}</>}>
    <div ref={ref}>{got.error ? <Problem error={got.error} /> : !got.value ? <Waiting what="reading curves" /> :
      <CurveChart answer={got.value} lines={lines} width={W} height={280} clip={shared.clip} logY={s.view.y ? s.view.y === 'log' : null} label={`${got.value.metrics[0]} by epoch: ${p.short} comes to ${p.text}${other ? `; ${other.short} to ${other.text}` : ''}`} />}</div>
    <p class="key">A tick is where a seed ended early; from the first of them on the mean is dashed.</p>
  </Sec>;
}

/** The points that differ in one axis alone, where no server lists them. */
function sliceFromPoints(p: Point): Slice[] {
  const points = shared.points!;
  return points.axes.filter((a) => typeof p.axes[a] === 'number').flatMap((axis) => {
    const line = points.list.filter((q) => q.problem === p.problem && points.axes.every((a) => a === axis || q.axes[a] === p.axes[a] || (a === 'regularizer' && axis === 'lambda'))).sort((a, b) => Number(a.axes[axis]) - Number(b.axes[axis]));
    if (line.length < 2) return [];
    const numbers = line.map((q) => Number(q.axes[axis])), positive = numbers.filter((v) => v > 0);
    const log = positive.length > 1 && positive.at(-1)! / positive[0]! >= 10;
    return [{ axis: { name: axis, text: numbers.map(settingText), number: numbers, zero_apart: log && numbers[0] === 0 }, key: line.map((q) => q.key), place: line.map((_, i) => i), mean: line.map((q) => q.mean), low: line.map((q) => q.low), high: line.map((q) => q.high), text: line.map((q) => q.text) }];
  });
}

const labelOf = (axis: string): string => (axis === 'lambda' ? 'λ' : axis);

function Around({ p, slices, colour }: { p: Point; slices: readonly Slice[]; colour: string }): JSX.Element | null {
  const [ref, W] = useWidth();
  if (!slices.length) return null;
  const w = W >= 700 && slices.length > 1 ? (W - 40) / 2 : W, means = slices.flatMap((s) => s.mean).filter((v): v is number => v !== null && isFinite(v));
  const clip = shared.clip, max = shared.answer?.goal === 'max', all = [...means, ...slices.flatMap((s) => [...s.low, ...s.high])].filter((v): v is number => v !== null && isFinite(v));
  let from = Math.min(...means), to = Math.max(...means);
  if (clip !== null && p.mean !== null) { if (max ? p.mean > clip : p.mean < clip) { if (max) from = Math.max(from, clip); else to = Math.min(to, clip); } }
  const near = all.filter((v) => v >= from / 1.5 && v <= to * 1.2);
  if (near.length) { from = Math.min(from, ...near); to = Math.max(to, ...near.filter((v) => clip === null || max || v <= to)); }
  const log = !max && from > 0 && to / from > 2;
  if (!(to > from)) { to = from + (Math.abs(from) * 0.1 || 1); }
  const pad = log ? 1 : (to - from) * 0.06;
  const y = scale(log, log ? from * 0.94 : from - pad, log ? to * 1.03 : to + pad, 186, 24);
  return <Sec title="Around it" small="one axis at a time, the others as here">
    <div ref={ref} class="slices">{slices.map((s) => <SliceChart key={s.axis.name} slice={s} p={p} width={w} y={y} colour={colour} />)}</div>
    <Behind of={() => ({ heads: ['axis', 'value', shared.answer?.metric ?? ''], right: [false, true, true], rows: slices.flatMap((s) => s.key.map((_, i) => [labelOf(s.axis.name), s.axis.text[s.place[i]!] ?? '', s.text[i] ?? ''])) })} />
  </Sec>;
}

function SliceChart({ slice: s, p, width: W, y, colour }: { slice: Slice; p: Point; width: number; y: ReturnType<typeof scale>; colour: string }): JSX.Element {
  const H = 220, L = 44, B = 34, T = 24, bottom = H - B + 0.5, numbers = s.axis.number, zero = numbers.indexOf(0), apart = !!s.axis.zero_apart && zero >= 0;
  const words = numbers.some((v) => v === null), positive = numbers.filter((v): v is number => v !== null && v > 0), log = !words && (apart || (positive.length === numbers.length && positive.length > 1 && Math.max(...positive) / Math.min(...positive) >= 10));
  const x0 = apart ? L + 66 : L + 18, finite = numbers.filter((v): v is number => v !== null && (!apart || v > 0));
  const axis = words || finite.length < 2 ? null : scale(log, Math.min(...finite), Math.max(...finite), x0, W - 18);
  const X = (i: number): number => { const v = numbers[i]; return axis && v != null ? (apart && v === 0 ? L + 22 : axis(v)) : x0 + (i * (W - 18 - x0)) / Math.max(1, numbers.length - 1); };
  const here = s.place[s.key.indexOf(p.key)] ?? -1, up = shared.answer?.goal !== 'max', yt = ticks(y, 5);
  const beyond = (v: number) => (up ? v > y.to : v < y.from), held = shared.points!.axes.filter((a) => labelOf(a) !== labelOf(s.axis.name) && a !== 'optimizer' && a !== 'regularizer').map((a) => `${labelOf(a)} ${typeof p.axes[a] === 'number' ? settingText(p.axes[a] as number) : p.axes[a]}`);
  const seen: { i: number; x: number }[] = s.key.map((_, i) => ({ i, x: X(s.place[i]!) }));
  const line: string[] = [];
  let pen = 'M';
  for (const { i, x } of seen) { const v = s.mean[i], z = apart && s.place[i] === zero; if (v == null || beyond(v) || z || words) { pen = 'M'; continue; } line.push(`${pen}${round(x)},${round(y(Math.max(y.from, Math.min(y.to, v))))}`); pen = 'L'; }
  const hereX = here >= 0 ? X(here) : NaN;
  return <svg width={W} height={H} class="slice" role="group" aria-label={`${shared.answer?.metric ?? ''} along ${labelOf(s.axis.name)}`}>
    <text x={0} y={10} class="t-b">{labelOf(s.axis.name)}{held.length > 0 && held.length < 4 ? `, at ${held.join(', ')}` : ''}</text>
    <text x={W} y={10} text-anchor="end" class="t-f t-s">{shared.answer?.metric} {arrow()}</text>
    {yt.map((t) => <g key={t}><line x1={L} x2={W} y1={Math.round(y(t))} y2={Math.round(y(t))} class="grid" /><text x={L - 8} y={y(t) + 4} text-anchor="end" class="t-m t-s">{tickText(t)}</text></g>)}
    {apart ? <><line x1={L} x2={L + 40} y1={bottom} y2={bottom} class="axis" /><line x1={L + 48} x2={W} y1={bottom} y2={bottom} class="axis" /><path d={`M${L + 38},${bottom + 4}l4,-8M${L + 46},${bottom + 4}l4,-8`} stroke="var(--faint)" fill="none" /></> : <line x1={L} x2={W} y1={bottom} y2={bottom} class="axis" />}
    {numbers.map((v, i) => {
      const mine = i === here, e = v !== null && v > 0 ? Math.log10(v) : 0.5, named = mine || words || v === 0 || !log || Math.abs(e - Math.round(e)) < 0.01;
      const text = s.axis.text[i] ?? '';
      return named && (mine || !(Math.abs(X(i) - hereX) < 3.6 * (text.length + (s.axis.text[here]?.length ?? 0)) + 4)) ? <text key={i} x={X(i)} y={H - B + 18} text-anchor="middle" class={mine ? 't-b' : 't-m'}>{text}</text> : null;
    })}
    <path d={line.join('')} fill="none" stroke={colour} stroke-opacity={0.35} />
    {seen.map(({ i, x }) => {
      const v = s.mean[i] ?? null, key = s.key[i]!, mine = key === p.key, label = `${labelOf(s.axis.name)} ${s.axis.text[s.place[i]!]}: ${s.text[i]}`;
      if (v === null || !isFinite(v)) return <text key={key} x={x} y={T + 14} text-anchor="middle" class="t-f t-s">–</text>;
      const at = (n: number) => y(Math.max(y.from, Math.min(y.to, n))), low = s.low[i] ?? null, high = s.high[i] ?? null;
      return <g key={key} class="mark" tabindex={mine ? 0 : -1} role="button" aria-label={label} data-p={key} onClick={(e) => { e.stopPropagation(); if (!mine) go({ of: key }); }}>
        {beyond(v) ? <><path d={up ? `M${x - 4},${T + 2}l4,-4l4,4M${x - 4},${T + 7}l4,-4l4,4` : `M${x - 4},${H - B - 6}l4,4l4,-4M${x - 4},${H - B - 11}l4,4l4,-4`} fill="none" stroke="var(--faint)" stroke-width={1.25} /><text x={x} y={up ? T + 20 : H - B - 16} text-anchor="middle" class="t-f t-s">{(s.text[i] ?? '').split(/[ \u00a0]/)[0]}</text></> : <>
          {low !== null && high !== null && high > low && <line x1={x} x2={x} y1={at(low)} y2={at(high)} stroke={colour} stroke-width={mine ? 2.5 : 1.5} stroke-opacity={mine ? 1 : 0.6} />}
          <circle cx={x} cy={at(v)} r={mine ? 5 : 4} fill={mine ? colour : 'var(--paper)'} stroke={colour} stroke-width={mine ? 1 : 1.75} /></>}
        <rect x={x - 12} y={T} width={24} height={H - B - T} fill="transparent" />
      </g>;
    })}
  </svg>;
}

function About({ settings, run, runs, keys }: { settings: { path: string; value: string }[] | undefined; run: number | undefined; runs: readonly number[]; keys: readonly string[] }): JSX.Element {
  const got = useAsk('run ' + (run ?? ''), async () => (run === undefined ? null : ask<RunAnswer>('run', [['id', run]])));
  const all = settings ?? settingsOf(got.value), same = shared.answer?.same_for_all ?? {};
  const rows = (of: readonly { path: string; value: Cell }[]): KV[] => of.map((r) => ({ name: r.path, value: /digest/.test(r.path) ? String(r.value ?? '').slice(0, 12) : r.path === 'lr' || r.path === 'lambda' ? settingText(Number(r.value)) : String(r.value ?? ''), mono: /digest|key/.test(r.path) }));
  const FIRST = ['optimizer.component', 'lr', 'regularizer.component', 'lambda'], order = (r: { path: string }) => { const i = FIRST.indexOf(r.path); return i < 0 ? FIRST.length : i; };
  const own = all.filter((r) => !(r.path in same)).sort((a, b) => order(a) - order(b)), alike = all.filter((r) => r.path in same);
  return <>
    {all.length > 0 && <Sec title="Settings" small="what differs between points first"><div class="two"><List of={rows(own)} /><List of={rows(alike)} /></div></Sec>}
    <Sec title="Provenance"><div class="two">
      <List of={[{ name: 'sweep', value: shared.answer?.sweep ?? '' }, ...(runs.length ? [{ name: 'runs', value: runs.join('  ') }] : []), ...(keys.length ? [{ name: 'trial keys', value: keys.map((k) => k.slice(0, 8)).join(' '), mono: true }] : [])]} />
      <List of={[...provenanceOf(got.value), ...(got.value ? [{ name: 'time', value: timesOf(got.value) }] : [])].filter((r) => r.value)} />
    </div>{got.error && !(got.error instanceof Absent) && <Problem error={got.error} />}</Sec>
  </>;
}

