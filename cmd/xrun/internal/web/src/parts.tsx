// What several pages are made of.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Absent, Failed, type KV } from './api.ts';
import { asCSV, asLatex, asMarkdown, type Shown } from './copy.ts';
import { copyText } from './clipboard.ts';
import type { Scale } from './scales.ts';
import type { Point } from './points.ts';
import { nice } from './nice.ts';
import { go, shared, state } from './store.ts';
import { command } from './command.ts';

export function Cmd({ text }: { text: string }): JSX.Element {
  return <button type="button" class="cmd" data-cmd={text} title="copy">{text}</button>;
}

/** A section: its name in the margin, its content beside it. */
export function Sec({ title, small, first, children, label }: { title: ComponentChildren; small?: ComponentChildren; first?: boolean; children: ComponentChildren; label?: boolean }): JSX.Element {
  const name = <>{title}{small && <small>{small}</small>}</>;
  return <section class={first ? 'sec first' : 'sec ruled'}>{label ? <div class="label">{name}</div> : first ? <h1 class="name">{name}</h1> : <h2>{name}</h2>}<div class="content">{children}</div></section>;
}

const heading = (a: typeof shared.answer): string => nice(a?.ui?.heading?.replace(`${a.sweep} · `, '') ?? a?.sweep ?? '');

/** The line above a page: what is compared, and the command that gives the same. */
export function Context({ extra, children }: { extra?: Parameters<typeof command>[2]; children?: ComponentChildren }): JSX.Element {
  const a = shared.answer, several = shared.points?.problems;
  return <div class="context"><span>{children ?? heading(a)}</span><Cmd text={command(state, a?.ui?.command, { sweep: a?.sweep, problem: several && several.length > 1 ? several[0] : undefined, ...extra })} /></div>;
}

export function Opts({ label, value, of, set }: { label: string; value: string; of: readonly (readonly [string, string])[]; set: (v: string) => void }): JSX.Element {
  return <div class="tabs" role="group" aria-label={label}><span class="lab">{label}</span>{of.map(([v, t]) => <button type="button" class="opt" key={v} aria-pressed={v === value} onClick={() => set(v)}>{t}</button>)}</div>;
}

export function Pick({ label, value, of, set }: { label: string; value: string; of: readonly string[]; set: (v: string) => void }): JSX.Element {
  return <label class="pick"><span class="lab">{label}</span> <select value={value} onChange={(e) => set(e.currentTarget.value)}>{of.map((v) => <option key={v} value={v}>{v}</option>)}</select></label>;
}

/** An error as the command line says it, or what a file without a server does not hold, with the command that shows it. */
export function Problem({ error, extra }: { error: Error; extra?: Parameters<typeof command>[2] }): JSX.Element {
  if (error instanceof Absent) return <div class="problem"><p class="second"><b>This file does not hold it.</b> The command shows it from the result database:</p><p><Cmd text={command(state, shared.answer?.ui?.command, { sweep: shared.answer?.sweep, ...extra })} /></p></div>;
  return <div class="problem" role="alert"><p class="second"><b>{error.message}</b></p>{error instanceof Failed && error.hint && <p class="muted">{error.hint}</p>}</div>;
}

export function Waiting({ what }: { what: string }): JSX.Element {
  const [late, set] = useState(false);
  useEffect(() => { const t = setTimeout(() => set(true), 300); return () => clearTimeout(t); }, []);
  return <p class="second" aria-busy="true">{late ? what + ' …' : '\u00a0'}</p>;
}

/** The width in pixels of the element that ref is given to. */
export function useWidth(initial = 1024): [{ current: HTMLDivElement | null }, number] {
  const ref = useRef<HTMLDivElement>(null), [width, set] = useState(initial);
  const watched = useRef<{ of: HTMLDivElement; watch: ResizeObserver } | null>(null);
  useLayoutEffect(() => { // the element may come later than the page, when its data are there
    const of = ref.current;
    if (watched.current?.of === of) return;
    watched.current?.watch.disconnect();
    watched.current = null;
    if (!of) return;
    const measure = () => set(Math.max(240, Math.floor(of.clientWidth)));
    measure();
    watched.current = { of, watch: new ResizeObserver(measure) };
    watched.current.watch.observe(of);
  });
  useEffect(() => () => watched.current?.watch.disconnect(), []);
  return [ref, width];
}

export function List({ of }: { of: readonly KV[] }): JSX.Element {
  return <dl class="kv">{of.map((e, i) => <><dt key={i}>{e.name}</dt><dd class={e.mono ? 'mono' : undefined}>{e.value}</dd></>)}</dl>;
}

/** Buttons that copy a table. */
export function Copies({ table }: { table: () => Shown }): JSX.Element {
  const [done, set] = useState('');
  const copy = (name: string, as: (t: Shown) => string) => { void copyText(as(table())).then((ok) => { set(ok ? name : 'refused'); setTimeout(() => set(''), 1400); }); };
  return <div class="copies muted">Copy as {([['Markdown', asMarkdown], ['LaTeX', asLatex], ['CSV', asCSV]] as const).map(([name, as]) => <button type="button" class="link" key={name} onClick={() => copy(name, as)}>{done === name ? 'copied' : name}</button>)}<span class="vh" role="status">{done && (done === 'refused' ? 'the browser refused to copy' : `copied as ${done}`)}</span></div>;
}

/** The numbers of a chart, for those who cannot see it or want them. */
export function Behind({ of, what = 'the numbers as a table' }: { of: () => Shown; what?: string }): JSX.Element {
  const [open, set] = useState(false);
  const t = open ? of() : null;
  return <details class="behind" onToggle={(e) => set(e.currentTarget.open)}><summary>{what}</summary>{t && <><div class="scroll" tabIndex={0}><table class="tbl plain auto"><thead><tr>{t.heads.map((h, i) => <th key={i} class={t.right[i] ? 'num' : undefined}>{h}</th>)}</tr></thead><tbody>{t.rows.slice(0, 500).map((r, i) => <tr key={i}>{r.map((c, j) => <td key={j} class={t.right[j] ? 'num' : undefined}>{c}</td>)}</tr>)}</tbody></table></div>{t.rows.length > 500 && <p class="key">500 of {t.rows.length} rows shown; all are copied.</p>}<Copies table={() => t} /></>}</details>;
}

/** Mean and interval on a scale: arrowheads where the interval leaves it, » where the mean does. */
export function Interval({ x, mean, low, high, y, colour = 'var(--ink)', open = false, width = 2, r = 4.5 }: { x: Scale; mean: number | null; low: number | null; high: number | null; y: number; colour?: string; open?: boolean; width?: number; r?: number }): JSX.Element | null {
  if (mean === null) return null;
  const at = (v: number) => x(Math.min(x.to, Math.max(x.from, v)));
  const bar = low !== null && high !== null && high > low, end = x(x.to);
  return <g>
    {bar && low < x.to && high > x.from && <>
      <line x1={at(low)} x2={at(high)} y1={y} y2={y} stroke={colour} stroke-width={width} />
      {low < x.from && <path d={`M${at(low) + 5},${y - 4}l-5,4l5,4`} fill="none" stroke={colour} stroke-width="1.5" />}
      {high > x.to && <path d={`M${at(high) - 5},${y - 4}l5,4l-5,4`} fill="none" stroke={colour} stroke-width="1.5" />}
    </>}
    {mean <= x.to && mean >= x.from
      ? <circle cx={at(mean)} cy={y} r={r} fill={open || !bar ? 'var(--paper)' : colour} stroke={open || !bar ? colour : 'var(--paper)'} stroke-width={open || !bar ? 2 : 1} />
      : mean > x.to
        ? <path d={`M${end - 9},${y - 3.5}l4,3.5l-4,3.5M${end - 4},${y - 3.5}l4,3.5l-4,3.5`} fill="none" stroke="var(--faint)" stroke-width="1.25" />
        : <path d={`M${x(x.from) + 9},${y - 3.5}l-4,3.5l4,3.5M${x(x.from) + 4},${y - 3.5}l-4,3.5l4,3.5`} fill="none" stroke="var(--faint)" stroke-width="1.25" />}
  </g>;
}

/** Numbers of a column stand with their decimal points below each other. */
export function Aligned({ text, whole, rest, strong }: { text: string; whole: number; rest: number; strong?: boolean }): JSX.Element {
  const [value, more] = parted(text), dot = wholeOf(value), head = value.slice(0, dot), tail = value.slice(dot);
  const body = <><span class="al-w" style={{ minWidth: whole + 'ch' }}>{head}</span><span class="al-r" style={{ minWidth: rest + 'ch' }}>{tail}</span>{more}</>;
  return strong ? <b>{body}</b> : body;
}
/** How much of a number stands before its decimal point, its exponent or its unit. */
const wholeOf = (value: string): number => /^[^\d]*\d+/.exec(value)?.[0].length ?? value.length;
/** A value and what follows it: its ± or its interval. */
export function parted(text: string): [string, string] {
  const i = text.search(/[ \u00a0](?=[±[])/);
  return i < 0 ? [text, ''] : [text.slice(0, i), text.slice(i + 1)];
}
export function room(texts: readonly string[]): { whole: number; rest: number } {
  let whole = 0, rest = 0;
  for (const t of texts) {
    const value = parted(t)[0];
    if (!/\d/.test(value)) continue;
    const dot = wholeOf(value);
    whole = Math.max(whole, dot);
    rest = Math.max(rest, value.length - dot);
  }
  return { whole, rest };
}

/** A point's name as a link to its page. */
export function PointLink({ p, children }: { p: Point; children?: ComponentChildren }): JSX.Element {
  return <button type="button" class="link plainlink" data-p={p.key} onClick={(e) => { e.stopPropagation(); go({ page: 'setting', of: p.key }); }}>{children ?? p.short}</button>;
}

/** What is shown of what there is, the expression, and a way back. */
export function scope(shown: number, of: number, noun = 'points'): ComponentChildren {
  const where = state.view.where.trim();
  return <><span>{`${shown} of ${of} ${noun}`}</span>{where && <><br /><code>{where}</code><br /><button type="button" class="link" onClick={() => go({ where: '' })}>show all</button></>}</>;
}

export const arrow = (): string => (shared.answer?.goal === 'max' ? '↑' : '↓');
export const off = (p: { key: string }): boolean => !!shared.matching && !shared.matching.has(p.key);
