import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ask, Failed, forget } from '../api.ts';
import { Cmd, Context, Problem, Sec } from '../parts.tsx';
import { shared, tell, useAsk, useShared } from '../store.ts';

interface Job { id: number; do: string; command: string; started: string; ended: string | null; exit_code: number | null; output: string; output_of: number }
interface Field { name: string; label: string; value: string; kind?: 'number' }
const DEEDS: readonly { do: string; title: string; does: string; of: readonly Field[] }[] = [
  { do: 'stop', title: 'Stop', does: 'ends the sweep; what has ended stays, and it can go on later', of: [] },
  { do: 'retry', title: 'Retry', does: 'trains again what failed', of: [] },
  { do: 'confirm', title: 'Confirm', does: 'trains the best again under fresh seeds', of: [{ name: 'top', label: 'best', value: '3', kind: 'number' }, { name: 'seeds', label: 'seeds', value: '10', kind: 'number' }] },
  { do: 'refine', title: 'Refine', does: 'makes the next sweep file, around the best', of: [{ name: 'points', label: 'new values on each side', value: '2', kind: 'number' }, { name: 'where', label: 'the best where', value: '' }, { name: 'save', label: 'save as', value: '' }] },
  { do: 'start', title: 'Start', does: 'trains a sweep file of the folder', of: [{ name: 'file', label: 'file', value: '' }] },
];

/** What the page may do where `xrun ui --control` allows it: each command is shown first, and run only then. */
export function ActPage(): JSX.Element {
  const s = useShared(), sweep = shared.answer?.sweep ?? '', [saved, setSaved] = useState('');
  // A box that was drawn over a map is what is refined, and what was refined can be started.
  const given: Record<string, Record<string, string>> = { refine: { where: s.view.where.trim(), save: /^[\w.-]+$/.test(sweep) ? `${sweep}-refined.toml` : '' }, start: { file: saved } };
  const [turn, again] = useState(0), jobs = useAsk('jobs ' + turn, () => { forget(); return ask<{ jobs: Job[] }>('jobs'); }), list = jobs.value?.jobs ?? [];
  const running = list.some((j) => j.ended === null);
  useEffect(() => { if (!running) return; const t = setTimeout(() => again((n) => n + 1), 1000); return () => clearTimeout(t); }, [running, turn]);
  if (!document.documentElement.hasAttribute('data-control')) return <div class="page act"><Context /><Sec first title="Act"><p class="second"><b>This page changes nothing.</b> Another one can stop, retry, confirm, refine and start:</p><p><Cmd text="xrun ui --control" /></p></Sec></div>;
  return <div class="page act">
    <div class="context"><span>{shared.answer?.sweep}</span><Cmd text="xrun ui --control" /></div>
    <Sec first title="Act" small="each command is shown first"><ul class="deeds">{DEEDS.map((d) => <Deed key={d.do + JSON.stringify(given[d.do] ?? '')} of={{ ...d, of: d.of.map((f) => ({ ...f, value: given[d.do]?.[f.name] ?? f.value })) }} started={(v) => { if (d.do === 'refine') setSaved(v.save ?? ''); again((n) => n + 1); }} />)}</ul></Sec>
    <Sec title="Commands" small={`${list.length} started here`}>{jobs.error ? <Problem error={jobs.error} /> : list.length === 0 ? <p class="muted">None yet.</p> : list.map((j) => <div key={j.id} class="job"><p><Cmd text={j.command} /> <span class={j.exit_code ? 'doubt' : 'muted'}>{j.ended === null ? 'runs' : j.exit_code === 0 ? 'done' : `ended with ${j.exit_code}`}</span></p>{j.output && <pre class="output" tabindex={0} aria-label={`output of ${j.command}`}>{j.output}</pre>}</div>)}</Sec>
  </div>;
}

function Deed({ of, started }: { of: (typeof DEEDS)[number]; started: (values: Record<string, string>) => void }): JSX.Element {
  const [values, set] = useState<Record<string, string>>(Object.fromEntries(of.of.map((f) => [f.name, f.value]))), [shown, show] = useState(''), [error, fail] = useState<Error | null>(null), [busy, setBusy] = useState(false);
  const parameters = (): [string, string][] => [['do', of.do], ...(of.do === 'start' ? [] : [['sweep', shared.answer?.sweep ?? '']] as [string, string][]), ...Object.entries(values).filter(([, v]) => v !== '')];
  const change = (name: string, v: string) => { set({ ...values, [name]: v }); show(''); };
  const ready = () => { fail(null); ask<{ command: string }>('act', parameters()).then((a) => show(a.command), fail); };
  const run = async () => {
    setBusy(true);
    try {
      const r = await fetch('/api/v1/act?' + new URLSearchParams(parameters()), { method: 'POST', headers: { 'X-Xrun': '1' }, credentials: 'same-origin' });
      if (!r.ok) { const said = (await r.json().catch(() => ({}))) as { error?: string; hint?: string }; throw new Failed(said.error ?? `the server answered ${r.status}`, said.hint, r.status); }
      show('');
      started(values);
      tell();
    } catch (e) { fail(e as Error); } finally { setBusy(false); }
  };
  return <li><form class="ask" onSubmit={(e) => { e.preventDefault(); ready(); }}><b>{of.title}</b> <span class="muted">{of.does}</span><span class="fields">{of.of.map((f) => <label key={f.name}>{f.label} <input value={values[f.name]} inputMode={f.kind === 'number' ? 'numeric' : undefined} size={f.kind === 'number' ? 4 : 24} onInput={(e) => change(f.name, e.currentTarget.value)} /></label>)}</span><button type="submit" class="link">show the command</button></form>
    {shown && <p class="ask"><Cmd text={shown} /> <button type="button" class="link" disabled={busy} onClick={() => void run()}>run it</button></p>}
    {error && <p class="doubt" role="alert">{error.message}{error instanceof Failed && error.hint ? <span class="muted"> {error.hint}</span> : null}</p>}</li>;
}
