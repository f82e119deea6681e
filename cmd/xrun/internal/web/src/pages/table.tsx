import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Absent, points as allPoints, type Cell } from '../api.ts';
import type { Shown } from '../copy.ts';
import { Where } from '../filter.tsx';
import { Aligned, arrow, Context, Copies, Interval, parted, Problem, room, Waiting } from '../parts.tsx';
import { DATA_SET, NONE, Points, type Point } from '../points.ts';
import { inView } from '../rows.ts';
import { scale, settingText, ticks, tickText, type Scale } from '../scales.ts';
import { asked } from '../state.ts';
import { go, shared, useAsk, useShared, wantClip } from '../store.ts';

const ROW = 28;
interface Column { id: string; head: string; right?: boolean; sort?: boolean; text(p: Point): string; value(p: Point): Cell; muted?: boolean }

const seconds = (v: number) => (v >= 100 ? v.toFixed(0) : v.toFixed(2));

/** The columns of the command line: axes that vary, the value, the difference to the baseline, p, n where it varies, epochs. */
function axesOf(of: Points): Column[] {
  const c = of.columns, vary = (values: readonly unknown[]) => new Set(values).size > 1, out: Column[] = [];
  const axis = (id: string, head: string) => out.push({ id, head, sort: true, text: (p) => { const v = p.axes[id]; return v === null || v === '' || v === undefined ? '–' : typeof v === 'number' ? settingText(v) : v; }, value: (p) => p.axes[id] ?? null });
  if (of.problems.length > 1) axis(DATA_SET, 'data set');
  if (vary(c.optimizer) || !c.regularizer.some(Boolean)) axis('optimizer', 'optimizer');
  if (vary(c.lr ?? [])) axis('lr', 'lr');
  if (vary(c.regularizer.filter((_, i) => c.lambda?.[i] !== 0))) axis('regularizer', 'regularizer');
  if (vary(c.lambda ?? [])) axis('lambda', 'λ');
  for (const name of of.axes) if (!['optimizer', 'lr', 'regularizer', 'lambda', DATA_SET].includes(name)) axis(name, name);
  return out;
}

const ownSort = (of: Points, sort: string): boolean => ['rank', 'n', 'epochs', 'seconds', ...Object.keys(of.list[0]?.axes ?? {})].includes(sort.replace(/^-/, ''));

export function TablePage(): JSX.Element {
  const s = useShared(), { answer } = shared, where = s.view.where.trim();
  wantClip();
  // Columns that are shown are sorted here; an expression is sorted by the server.
  const sort = shared.points && s.view.sort && !ownSort(shared.points, s.view.sort) ? s.view.sort : '';
  const got = useAsk(JSON.stringify([where, sort, asked(s)]), async () => { const p = await allPoints(s, where, sort); return new Points(p.columns, p.of, p.versus_head); });
  const good = useRef<Points | null>(null);
  if (got.value) good.current = got.value;
  const empty = got.error && (got.error as { status?: number }).status === 404;
  const of = got.error instanceof Absent ? null : got.error && !empty && !good.current?.list.length ? shared.points : good.current;
  if (!of && !got.error) return <div class="page table"><Context /><Waiting what="reading points" /></div>;
  return <div class="page table">
    <Context />
    <h1 class="vh">Table of points</h1>
    {got.error && !of && !empty ? <><div class="filter"><Where /></div><Problem error={got.error} /></> : <Rows of={of ?? NONE} total={shared.points?.of ?? of!.of} none={!!empty} metric={answer?.metric ?? ''} />}
  </div>;
}

function Rows({ of, total, none, metric }: { of: Points; total: number; none: boolean; metric: string }): JSX.Element {
  const s = useShared(), sort = s.view.sort, body = useRef<HTMLTableSectionElement>(null), [win, setWin] = useState({ top: 0, view: 1200 });
  const axes = useMemo(() => axesOf(of), [of]);
  const c = of.columns;
  const has = { versus: c.versus_text.some(Boolean), p: c.p?.some((v) => v !== null) ?? c.p_text?.some(Boolean) ?? false, n: new Set(c.n).size > 1, seconds: c.seconds?.some((v) => v !== null) ?? false };
  const p = (x: Point) => c.p_text?.[x.index] ?? (c.p?.[x.index] != null ? String(Number(c.p[x.index]!.toPrecision(2))) : '');
  const against = of.versusHead || 'against the baseline';
  const all: Column[] = [
    { id: 'rank', head: '#', right: true, sort: true, text: (x) => String(x.rank), value: (x) => x.rank },
    ...axes,
    { id: 'value', head: `${metric} ${arrow()}`, text: (x) => x.text, value: (x) => x.mean },
    ...(has.versus ? [{ id: 'versus', head: against, text: (x: Point) => x.versus, value: (x: Point) => c.versus?.[x.index]?.[0] ?? null }] : []),
    ...(has.p ? [{ id: 'p', head: 'p', right: true, text: p, value: (x: Point) => c.p?.[x.index] ?? null }] : []),
    ...(has.n ? [{ id: 'n', head: 'n', right: true, sort: true, text: (x: Point) => String(x.n), value: (x: Point) => x.n }] : []),
    { id: 'epochs', head: 'epochs', right: true, sort: true, text: (x) => (x.epochs === null ? '–' : String(Math.round(x.epochs))), value: (x) => x.epochs },
    ...(has.seconds ? [{ id: 'seconds', head: 'seconds', right: true, sort: true, text: (x: Point) => (c.seconds![x.index] == null ? '–' : seconds(c.seconds![x.index]!)), value: (x: Point) => c.seconds![x.index] ?? null }] : []),
    ...Object.entries(c.columns ?? {}).map(([name, v]) => ({ id: 'column ' + name, head: name, right: v.value.some((x) => x !== null), text: (x: Point) => v.text[x.index] ?? '–', value: (x: Point) => v.value[x.index] ?? v.text[x.index] ?? null })),
    ...(c.remark?.some(Boolean) ? [{ id: 'remark', head: 'remark', text: (x: Point) => c.remark![x.index] ?? '', value: () => null, muted: true }] : []),
  ];
  const by = sort.replace(/^-/, ''), down = sort.startsWith('-'), column = all.find((x) => x.id === by);
  const rows = useMemo(() => {
    if (none) return [];
    if (!column) return of.list; // an expression, sorted by the server
    const list = [...of.list];
    list.sort((a, b) => {
      const v = column.value(a), w = column.value(b);
      if (v === w) return a.rank - b.rank;
      if (v === null) return 1;
      if (w === null) return -1;
      return (v < w ? -1 : 1) * (down ? -1 : 1);
    });
    return list;
  }, [of, by, down, none]);

  useEffect(() => {
    const measure = () => { const top = body.current?.getBoundingClientRect().top ?? 0; setWin((w) => { const t = Math.round(-top / (4 * ROW)) * 4 * ROW; return w.top === t && w.view === innerHeight ? w : { top: t, view: innerHeight }; }); };
    measure();
    addEventListener('scroll', measure, { passive: true });
    addEventListener('resize', measure);
    return () => { removeEventListener('scroll', measure); removeEventListener('resize', measure); };
  }, []);
  const seen = rows.length > 200 ? inView(rows.length, ROW, win.top, win.view) : { first: 0, last: rows.length, above: 0, below: 0 };

  // One clip for every axis of the page; the rest of the scale follows the best.
  const W = innerWidth < 900 ? 132 : 264, best = of.best, means = of.list.map((x) => x.mean).filter((v): v is number => v !== null && isFinite(v));
  const lows = of.list.flatMap((x) => (x.n > 1 && x.low !== null && x.low > 0 ? [x.low] : []));
  const x = useMemo((): Scale | null => {
    if (!best || best.mean === null || means.length < 2) return null;
    const up = shared.answer?.goal !== 'max', clip = shared.clip;
    const sorted = [...means].sort((a, b) => a - b), far = clip ?? (up ? sorted[Math.floor(0.75 * (sorted.length - 1))]! : sorted[Math.ceil(0.25 * (sorted.length - 1))]!);
    const near = up ? Math.min(best.low ?? best.mean, best.mean) : Math.max(best.high ?? best.mean, best.mean);
    let from = Math.min(near, far), to = Math.max(near, far);
    const log = from > 0 && to / from > 2 && up;
    if (log) from = Math.max(Math.min(...(lows.length ? lows : [from]), from), best.mean * 0.75);
    if (!(to > from)) to = from + Math.abs(from) * 0.1 + 1e-9;
    return scale(log, from, to, 6, W - 6);
  }, [of, shared.clip]);
  const tk = x ? ticks(x, W < 200 ? 3 : 6) : [], size = useMemo(() => room(of.list.slice(0, 2000).map((r) => r.text)), [of]), versus = useMemo(() => room(of.list.slice(0, 2000).map((r) => r.versus)), [of]);
  const setSort = (id: string) => go({ sort: by === id ? (down ? '' : '-' + id) : id === 'rank' ? (sort === '' ? '-rank' : '') : id });
  const table = (): Shown => ({ heads: ['', ...all.map((k) => k.head)], right: [false, ...all.map((k) => !!k.right)], rows: rows.map((r) => [r.tied ? '≈' : '', ...all.map((k) => k.text(r))]) });
  const tied = rows.filter((r) => r.tied).length;

  const cell = (k: Column, r: Point): JSX.Element => {
    const top = r.rank === 1, t = k.text(r);
    if (k.id === 'value') return <td key={k.id}><Aligned text={t} {...size} strong={top} />{r.state && !c.remark ? <span class="doubt"> {r.state}</span> : null}</td>;
    if (k.id === 'versus') return <td key={k.id} class={/\d/.test(t) ? undefined : 'muted'}>{/\d/.test(t) && parted(t)[1] ? <Aligned text={t} {...versus} /> : t}</td>;
    if (k.id === 'p') return <td key={k.id} class={'num' + ((c.p?.[r.index] ?? 0) >= 0.05 ? ' doubt' : '')}>{t}</td>;
    return <td key={k.id} class={(k.right ? 'num' : '') + (k.id === 'rank' && !top || k.id === 'n' || k.id === 'seconds' || k.value(r) === 0 || t === '–' ? ' muted' : '') || undefined}>{top && k.id === 'optimizer' ? <b>{t}</b> : t}</td>;
  };
  const at = all.findIndex((k) => k.id === 'value');
  return <>
    <div class="filter"><Where /><div class="count"><b>{`${rows.length} of ${total} points`}</b>{tied > 0 && <span class="muted">, {tied} of them ≈</span>}</div><Copies table={table} /></div>
    {rows.length === 0 ? <p class="second none"><b>0 of {total} points</b> match <code>{s.view.where}</code>. <button type="button" class="link" onClick={() => go({ where: '' })}>show all</button></p> :
      <div class="scroll" tabIndex={0}><table class="tbl points" aria-rowcount={rows.length + 1}>
        <thead><tr aria-rowindex={1}><th><span class="vh">cannot be told from the best</span></th>
          {all.slice(0, at + 1).map((k) => <Head key={k.id} k={k} by={by} down={down} sort={sort} set={setSort} />)}
          {x && <th class="bar"><svg width={W} height={18} role="img" aria-label="mean and 95 % interval">{tk.map((t) => <text key={t} x={x(t)} y={13} text-anchor="middle" class="t-m t-s">{tickText(t)}</text>)}</svg></th>}
          {all.slice(at + 1).map((k) => <Head key={k.id} k={k} by={by} down={down} sort={sort} set={setSort} />)}
        </tr></thead>
        <tbody ref={body}>
          {seen.above > 0 && <tr class="space" aria-hidden="true" style={{ height: seen.above + 'px' }}><td colSpan={all.length + 2} /></tr>}
          {rows.slice(seen.first, seen.last).map((r, i) => <tr key={r.key} data-p={r.key} data-quiet="" tabindex={i === 0 ? 0 : -1} aria-rowindex={seen.first + i + 2} class={s.pin.includes(r.key) ? 'pin' : undefined}>
            <td class="doubt">{r.tied ? '≈' : ''}</td>
            {all.slice(0, at + 1).map((k) => cell(k, r))}
            {x && <td class="bar"><svg width={W} height={27} aria-hidden="true">
              {tk.map((t) => <line key={t} x1={Math.round(x(t))} x2={Math.round(x(t))} y1={0} y2={27} class="grid" />)}
              {best && best.mean !== null && <line x1={x(best.mean)} x2={x(best.mean)} y1={0} y2={27} stroke="var(--ink)" stroke-dasharray="2 2" />}
              <Interval x={x} mean={r.mean} low={r.low} high={r.high} y={13.5} r={3.25} width={1.5} colour={r.rank === 1 || r.tied ? 'var(--ink)' : 'var(--faint)'} />
            </svg></td>}
            {all.slice(at + 1).map((k) => cell(k, r))}
          </tr>)}
          {seen.below > 0 && <tr class="space" aria-hidden="true" style={{ height: seen.below + 'px' }}><td colSpan={all.length + 2} /></tr>}
        </tbody>
      </table></div>}
    <p class="key">{rows.length > 200 ? `All ${rows.length} rows are here; those in view are drawn. ` : ''}{x ? `Bars: mean and 95 % interval${x.log ? ', on a log scale' : ''}; » lies beyond. Dashed: the best. ` : ''}{has.p ? 'p is given for the chosen point of an arm only. ' : ''}Click pins a row, double click or Enter opens it.</p>
  </>;
}

function Head({ k, by, down, sort, set }: { k: Column; by: string; down: boolean; sort: string; set: (id: string) => void }): JSX.Element {
  const on = k.id === by || (k.id === 'rank' && sort === '');
  return <th class={k.right ? 'num' : undefined} aria-sort={on && k.sort ? (down ? 'descending' : 'ascending') : undefined}>{k.sort ? <button type="button" onClick={() => set(k.id)}>{k.head}{on ? (down ? ' ↓' : ' ↑') : ''}</button> : k.head}</th>;
}
