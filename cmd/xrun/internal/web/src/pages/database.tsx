import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ask, live, type Cell } from '../api.ts';
import type { Shown } from '../copy.ts';
import { Context, Copies, Problem, Sec, Waiting } from '../parts.tsx';
import { asked } from '../state.ts';
import { go, shared, useAsk, useShared } from '../store.ts';

interface Rows { columns?: string[]; rows?: Cell[][]; more?: boolean; seconds?: number; views?: { name: string; about: string; columns: { name: string; about: string }[] }[] }
const EXPORTS = [['csv', 'points as CSV'], ['md', 'points as Markdown'], ['tex', 'points as LaTeX'], ['json', 'the comparison as JSON'], ['runs-csv', 'runs as CSV'], ['jsonl', 'runs with curves as JSON lines']] as const;

const text = (v: Cell): string => (v === null ? '–' : String(v));

export function DatabasePage(): JSX.Element {
  const s = useShared(), [q, setQ] = useState(s.view.q), views = useAsk('views', () => ask<Rows>('sql'));
  const got = useAsk('sql ' + s.view.q, async () => (s.view.q ? ask<Rows>('sql', [['q', s.view.q], ['limit', 500]]) : null)), r = got.value;
  const right = (r?.columns ?? []).map((_, i) => (r?.rows ?? []).some((row) => typeof row[i] === 'number'));
  const table = (): Shown => ({ heads: r?.columns ?? [], right, rows: (r?.rows ?? []).map((row) => row.map((v) => (v === null ? '' : String(v)))) });
  const query = new URLSearchParams(asked(s).concat(s.view.where ? [['where', s.view.where]] : []));
  return <div class="page database">
    <Context />
    <Sec first title="SQL" small="read-only, five seconds">
      <form class="sql" onSubmit={(e) => { e.preventDefault(); go({ q: q.trim() }); }}>
        <label for="sql">One statement of SQLite over the views below</label>
        <textarea id="sql" rows={4} spellcheck={false} value={q} placeholder="SELECT optimizer, lr, avg(value) AS mean, count(*) AS n FROM runs WHERE value IS NOT NULL GROUP BY 1, 2 ORDER BY mean LIMIT 20" onInput={(e) => setQ(e.currentTarget.value)} onKeyDown={(e) => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) { e.preventDefault(); go({ q: q.trim() }); } }} />
        <button type="submit" class="link">run</button> <span class="muted">or Ctrl Enter</span>
      </form>
      {got.error ? <Problem error={got.error} /> : s.view.q && !r ? <Waiting what="reading" /> : r?.columns ? <>
        <div class="filter"><div class="count"><b>{r.rows!.length}{r.more ? ' rows shown, and there are more' : ` of ${r.rows!.length} rows`}</b>{r.seconds != null && <span class="muted">, {r.seconds < 1 ? `${Math.round(1000 * r.seconds)} ms` : `${r.seconds.toFixed(1)} s`}</span>}</div><Copies table={table} /></div>
        <div class="scroll" tabIndex={0}><table class="tbl plain auto"><thead><tr>{r.columns.map((h, i) => <th key={i} class={right[i] ? 'num' : undefined}>{h}</th>)}</tr></thead><tbody>{r.rows!.map((row, i) => <tr key={i}>{row.map((v, j) => <td key={j} class={(right[j] ? 'num' : '') + (v === null ? ' muted' : '')}>{text(v)}</td>)}</tr>)}</tbody></table></div>
      </> : null}
    </Sec>
    {live && <Sec title="Exports" small={<>of {shared.answer?.sweep}{s.view.where && <><br /><code>{s.view.where}</code></>}</>}>
      <ul class="exports">{EXPORTS.map(([format, what]) => { const u = new URLSearchParams(query); u.set('format', format); return <li key={format}><a class="link" href={'/api/v1/export?' + u} download>{what}</a></li>; })}</ul>
    </Sec>}
    <Sec title="Views" small="a contract: later versions only add">{views.error ? <Problem error={views.error} /> : views.value?.views?.map((v) => <details key={v.name} class="view"><summary><code>{v.name}</code> {v.about}</summary><dl class="kv">{v.columns.map((c) => <><dt class="mono">{c.name}</dt><dd>{c.about}</dd></>)}</dl></details>)}</Sec>
  </div>;
}
