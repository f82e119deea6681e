import type { JSX } from 'preact';
import { ask, type Cell, type KV, type Num, type RunAnswer } from '../api.ts';
import { Cmd, Context, List, Problem, Sec, useWidth, Waiting } from '../parts.tsx';
import { scale, tickText, ticks } from '../scales.ts';
import { address, shared, useAsk, useShared } from '../store.ts';
import { path } from '../thin.ts';

interface Measured { metric: string; first: Num; last: Num; min: Num; min_epoch: Num; max: Num; max_epoch: Num; count: number }
interface Plugin { role: string; name: string; version: string; protocol?: string; identity?: string }
interface Curve { metric: string; x: Num[]; value: Num[]; of?: number }
interface OfRun {
  run_id: number; trial_key: string; point: string; name: string; sweep: string; seed: number; attempt?: number; status: string; reason?: string; error?: string; epochs: number;
  metric: string; value: Num; kept_epoch: Num; started?: string; ended?: string | null; steps?: number; gradient_evaluations?: number;
  seconds?: Record<string, Num>; settings?: { path: string; value: string }[]; coefficients?: Record<string, Num>; events?: { at: string; kind: string; epoch: number; message: string; detail?: string }[];
  environment?: Record<string, unknown>; plugins?: Plugin[]; metrics?: Measured[]; curves?: Curve[]; output?: string; output_of?: number; commands?: Record<string, string>;
}

export function settingsOf(r: RunAnswer | null): { path: string; value: Cell }[] {
  return (r as unknown as OfRun | null)?.settings ?? [];
}

export function provenanceOf(r: RunAnswer | null): KV[] {
  if (!r) return [];
  const run = r as unknown as OfRun, e = run.environment ?? {}, text = (...names: string[]) => names.map((n) => e[n]).filter((v) => v !== '' && v != null && v !== 0).join(' ');
  const date = (t: string | null | undefined) => (t ? t.replace('T', ' ').replace(/(:\d\d)(\.\d+)?Z?$/, '$1') : '');
  return [
    { name: 'xrun', value: [text('XrunVersion'), text('GoVersion')].filter(Boolean).join(', ') },
    { name: 'machine', value: [text('CPU'), e.Cores ? `${String(e.Cores)} cores` : '', text('OS', 'Arch')].filter(Boolean).join(', ') },
    { name: 'arithmetic', value: text('BLAS') },
    { name: 'commit', value: text('GitCommit') + (e.GitDirty ? ', with changes' : ''), mono: true },
    { name: 'plugins', value: (run.plugins ?? []).map((p) => `${p.role} ${p.name} ${p.version}`.trim()).join(', ') },
    { name: 'trained', value: [date(run.started), date(run.ended)].filter(Boolean).join(' to ') },
  ].filter((x) => x.value);
}

const spent = (v: number): string => (v >= 100 ? v.toFixed(0) : v >= 0.1 ? v.toFixed(2) : v.toPrecision(2));
/** Where the time of a run went, in words. */
export function timesOf(r: RunAnswer): string {
  const t = (r as unknown as OfRun).seconds;
  if (!t || t.wall == null) return '';
  const parts = Object.entries(t).filter(([k, v]) => k !== 'wall' && v != null && v > 0).map(([k, v]) => `${spent(v!)} ${k}`);
  return `${spent(t.wall)} s${parts.length ? ': ' + parts.join(', ') : ''}`;
}

const value = (v: Num) => (v === null ? '–' : String(Number(v.toPrecision(5))));

export function RunPage(): JSX.Element {
  const s = useShared(), id = s.view.run;
  const got = useAsk('run ' + id, async () => (id ? ((await ask<RunAnswer>('run', [['id', id]])) as unknown as OfRun) : null));
  const r = got.value, [ref, W] = useWidth();
  if (!id) return <div class="page"><Context /><p class="second none"><b>No run is chosen.</b> Runs stand among the seeds of a point.</p></div>;
  if (got.error) return <div class="page"><Context extra={{ runs: [id] }} /><Problem error={got.error} extra={{ runs: [id] }} /></div>;
  if (!r) return <div class="page"><Context extra={{ runs: [id] }} /><Waiting what="reading the run" /></div>;
  const bad = r.status === 'failed' || r.status === 'diverged', t = r.seconds ?? {}, wall = t.wall ?? 0, parts = Object.entries(t).filter((e): e is [string, number] => e[0] !== 'wall' && e[1] != null && e[1] > 0);
  const w = W >= 700 ? (W - 40) / 2 : W;
  return <div class="page run">
    <Context extra={{ runs: [id] }} />
    <Sec first label title={`run ${r.run_id}`} small={<>{r.sweep}<br />{r.point && <a class="link" href={address({ page: 'setting', of: r.point })}>its point</a>}</>}>
      <h1 class="set">{r.name}</h1>
      <p class="second">{r.value !== null ? <><b>{r.metric} {value(r.value)}</b>{r.kept_epoch !== null ? ` at epoch ${r.kept_epoch} of ${r.epochs}` : ''}, </> : null}<span class={bad ? 'doubt' : undefined}>{r.status}{r.reason ? `: ${r.reason}` : ''}</span>.</p>
      {r.error && <pre tabindex={0} aria-label="the error">{r.error}</pre>}
    </Sec>
    {(r.curves?.length ?? 0) > 0 && <Sec title="Curves" small={`${Math.min(8, r.curves!.length)} of ${r.curves!.length} metrics shown`}><div ref={ref} class="slices">{r.curves!.slice(0, 8).map((c) => <Small key={c.metric} c={c} width={w} kept={r.kept_epoch} />)}</div></Sec>}
    {r.metrics && r.metrics.length > 0 && <Sec title="Metrics"><div class="scroll" tabIndex={0}><table class="tbl plain auto"><thead><tr><th>metric</th><th class="num">first</th><th class="num">least</th><th class="num">epoch</th><th class="num">greatest</th><th class="num">epoch</th><th class="num">last</th></tr></thead><tbody>{r.metrics.map((m) => <tr key={m.metric}><td>{m.metric}</td><td class="num">{value(m.first)}</td><td class="num">{value(m.min)}</td><td class="num muted">{m.min_epoch}</td><td class="num">{value(m.max)}</td><td class="num muted">{m.max_epoch}</td><td class="num">{value(m.last)}</td></tr>)}</tbody></table></div></Sec>}
    {wall > 0 && <Sec title="Time" small={`${spent(wall)} s in all`}>
      <svg width="100%" height={6} role="img" aria-label={parts.map(([n, v]) => `${n} ${Math.round((100 * v) / wall)} %`).join(', ')}>{parts.map(([n, v], i) => { const before = parts.slice(0, i).reduce((a, b) => a + b[1], 0) / wall; return <rect key={n} x={`${100 * before}%`} width={`${Math.max(0.15, (100 * v) / wall - 0.2)}%`} height={6} fill="var(--base)" fill-opacity={0.8 - 0.2 * i} />; })}</svg>
      <p class="key">{parts.map(([n, v]) => `${n} ${spent(v)} s (${Math.round((100 * v) / wall)} %)`).join(' · ')}{r.steps ? ` · ${r.steps} steps` : ''}</p>
    </Sec>}
    <Sec title="Events" small={`${r.events?.length ?? 0}`}>{r.events?.length ? <div class="scroll" tabIndex={0}><table class="tbl plain auto"><thead><tr><th>when</th><th class="num">epoch</th><th>what</th><th>message</th></tr></thead><tbody>{r.events.slice(-200).map((e, i) => <tr key={i}><td class="muted">{e.at.replace('T', ' ').replace(/\.\d+Z?$|Z$/, '')}</td><td class="num">{e.epoch || ''}</td><td>{e.kind}</td><td class="wraps" title={e.detail || undefined}>{e.message}</td></tr>)}</tbody></table>{r.events.length > 200 && <p class="key">200 of {r.events.length} shown, the last ones.</p>}</div> : <p class="muted">Nothing happened to it.</p>}</Sec>
    <Sec title="Output" small="of its program or plugin">{r.output ? <><pre class="output" tabindex={0} aria-label="output">{r.output}</pre>{(r.output_of ?? 0) > r.output.length && <p class="key">The last {r.output.length} of {r.output_of} bytes are shown: <Cmd text={`xrun show ${r.run_id} --output`} /></p>}</> : <p class="muted">It printed nothing.</p>}</Sec>
    <Sec title="To repeat it"><dl class="cmds">{Object.entries(r.commands ?? {}).map(([name, c]) => <><dt><Cmd text={c} /></dt><dd>{({ show: 'everything about it, in a terminal', repro: 'trains it again, alone, and says whether every bit agrees', best: 'writes the parameters that it kept to a file' } as Record<string, string>)[name] ?? name}</dd></>)}</dl></Sec>
    <Sec title="Settings"><div class="two">{halves((r.settings ?? []).map((x) => ({ name: x.path, value: x.value, mono: /digest/.test(x.path) }))).map((half, i) => <List key={i} of={half} />)}</div></Sec>
    <Sec title="Provenance"><List of={[{ name: 'trial key', value: r.trial_key, mono: true }, ...provenanceOf(r as unknown as RunAnswer)]} /></Sec>
  </div>;
}

const halves = <T,>(of: readonly T[]): T[][] => [of.slice(0, Math.ceil(of.length / 2)), of.slice(Math.ceil(of.length / 2))];

function Small({ c, width: W, kept }: { c: Curve; width: number; kept: Num }): JSX.Element | null {
  const H = 160, L = 48, B = 24, T = 22, values = c.value.filter((v): v is number => v !== null && isFinite(v)), xs = c.x.filter((v): v is number => v !== null);
  if (!values.length) return null;
  const low = Math.min(...values), high = Math.max(...values), log = low > 0 && high / low > 10, pad = high > low ? (high - low) * 0.05 : Math.abs(high) * 0.1 || 1;
  const y = scale(log, log ? low * 0.93 : low - pad, log ? high * 1.05 : high + pad, H - B, T), x = scale(false, Math.min(0, ...xs), Math.max(1, ...xs), L, W - 8);
  return <svg width={W} height={H} role="img" aria-label={`${c.metric} by epoch, from ${value(values[0]!)} to ${value(values.at(-1)!)}`}>
    <text x={0} y={10} class="t-b">{c.metric}</text>
    {ticks(y, 4).map((t) => <g key={t}><line x1={L} x2={W - 8} y1={Math.round(y(t))} y2={Math.round(y(t))} class="grid" /><text x={L - 8} y={y(t) + 4} text-anchor="end" class="t-m t-s">{tickText(t)}</text></g>)}
    <line x1={L} x2={W - 8} y1={H - B + 0.5} y2={H - B + 0.5} class="axis" />
    {ticks(x, 5).map((t) => <text key={t} x={x(t)} y={H - 6} text-anchor="middle" class="t-m t-s">{tickText(t)}</text>)}
    {kept !== null && c.metric === shared.answer?.metric && <line x1={x(kept)} x2={x(kept)} y1={T} y2={H - B} stroke="var(--ink)" stroke-dasharray="2 2"><title>{`the epoch whose parameters are kept: ${kept}`}</title></line>}
    <path d={path(c.value, (i) => x(c.x[i] ?? 0), (v) => y(v))} fill="none" stroke="var(--ink)" stroke-width={1.5} />
  </svg>;
}
