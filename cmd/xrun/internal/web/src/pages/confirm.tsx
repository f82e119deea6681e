import type { JSX } from 'preact';
import { ask, points as allPoints, type SweepsAnswer } from '../api.ts';
import { Behind, Cmd, Context, Interval, Problem, Sec, useWidth, Waiting } from '../parts.tsx';
import { Points, type Point } from '../points.ts';
import { scale, tickText, ticks } from '../scales.ts';
import { address, shared, state, useAsk, useShared } from '../store.ts';
import { command } from '../command.ts';
import { colourOf } from './curves.tsx';

/** The points that a sweep confirms, before and under fresh seeds: what was the luck of being picked. */
export function ConfirmPage(): JSX.Element {
  const s = useShared(), [ref, W] = useWidth(), here = shared.answer?.sweep ?? '';
  const got = useAsk('confirm ' + here, async () => {
    const { sweeps } = await ask<SweepsAnswer>('sweeps');
    const mine = sweeps.find((w) => (w.title || w.name) === here), confirming = mine && mine.relation?.startsWith('confirm') ? mine : sweeps.find((w) => w.of === mine?.id && w.relation?.startsWith('confirm'));
    const of = confirming && sweeps.find((w) => w.id === confirming.of);
    if (!confirming || !of) return { of: null, rows: [] };
    const [before, after] = await Promise.all([of, confirming].map(async (w) => { const p = await allPoints({ ...s, sweep: [w.title || w.name], view: { ...s.view, sort: '' } }, ''); return new Points(p.columns, p.of); })) as [Points, Points];
    // The confirming sweep has keys of its own where seeds are part of them; names of settings do not change.
    return { of: { from: of.title || of.name, by: confirming.title || confirming.name }, rows: after.list.flatMap((q) => { const p = before.byKey.get(q.key) ?? before.list.find((x) => x.name === q.name); return p ? [{ p, q }] : []; }) };
  });
  const typed = command({ ...state, page: 'confirm' }, shared.answer?.ui?.command, { sweep: here });
  const rows = got.value?.rows ?? [], values = rows.flatMap(({ p, q }) => [p.mean, p.low, p.high, q.mean, q.low, q.high]).filter((v): v is number => v !== null && isFinite(v));
  const narrow = W < 700, w = narrow ? Math.max(240, W - 8) : Math.max(240, Math.min(520, W - 480)), x = values.length ? scale(false, Math.min(...values), Math.max(...values) + 1e-12, 8, w - 8) : null, tk = x ? ticks(x, 5) : [];
  const marks = <svg width={w} height={18} aria-hidden="true">{tk.map((t) => <text key={t} x={x!(t)} y={13} text-anchor="middle" class="t-m t-s">{tickText(t)}</text>)}</svg>;
  const axis = x && <th class="bar"><span class="vh">before and after on one scale</span>{marks}</th>, ticked = <td class="bar" colSpan={4}>{x && marks}</td>;
  const bars = (p: Point, q: Point) => x && <td class="bar" colSpan={narrow ? 4 : 1}><svg width={w} height={40} aria-hidden="true">{tk.map((t) => <line key={t} x1={Math.round(x(t))} x2={Math.round(x(t))} y1={0} y2={40} class="grid" />)}<Interval x={x} mean={p.mean} low={p.low} high={p.high} y={12} colour="var(--faint)" open /><Interval x={x} mean={q.mean} low={q.low} high={q.high} y={28} colour={colourOf(p)} /></svg></td>;
  return <div class="page confirm">
    <Context />
    <Sec first title="Confirmed" small={got.value?.of ? <>{got.value.of.by}<br />of {got.value.of.from}</> : undefined}><div ref={ref}>
      {got.error ? <Problem error={got.error} /> : !got.value ? <Waiting what="looking for a confirmation" /> : !got.value.of ? <><p class="second"><b>{here} is not confirmed yet.</b> The best of many is partly lucky; fresh seeds show what remains.</p><p><Cmd text={typed} /></p></> : <>
        <div class="scroll" tabIndex={0}><table class="tbl plain confirmed"><thead><tr><th>point</th><th class="num">before</th>{!narrow && axis}<th class="num">{narrow ? 'fresh seeds' : 'under fresh seeds'}</th><th class="num">n</th></tr></thead>
          <tbody>{rows.map(({ p, q }) => <><tr key={q.key}><td class="wraps"><a class="quietlink" href={address({ page: 'setting', of: q.key, sweep: [got.value!.of!.by] })}>{q.short.split(' ').flatMap((word, i) => [i ? ' ' : '', <span class="whole">{word}</span>])}</a></td><td class="num muted">{p.text}</td>{!narrow && bars(p, q)}<td class="num">{q.text}</td><td class="num">{q.n}</td></tr>{narrow && x && <tr key={q.key + ' bars'}>{bars(p, q)}</tr>}</>)}{narrow && x && <tr>{ticked}</tr>}</tbody></table></div>
        <p class="key">Hollow: as picked. Filled: under fresh seeds, free of the luck of being picked. {rows.length} of {rows.length} points shown.</p>
        <Behind of={() => ({ heads: ['point', 'before', 'under fresh seeds', 'n'], right: [false, true, true, true], rows: rows.map(({ p, q }) => [q.name, p.text, q.text, String(q.n)]) })} />
      </>}
    </div></Sec>
  </div>;
}
