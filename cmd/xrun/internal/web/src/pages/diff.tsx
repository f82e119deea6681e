import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { Behind, Context, Problem, Sec, Waiting } from '../parts.tsx';
import { address, go, shared, useAsk, useShared, wantSeeds } from '../store.ts';

interface Difference { a: number; b: number; same_trial: boolean; differences: { group: string; name: string; a: string; b: string }[]; first_difference: string; conclusion: string }

export function DiffPage(): JSX.Element {
  const s = useShared(), pinned = s.pin.flatMap((k) => { const p = shared.points?.byKey.get(k); wantSeeds(p); return p?.seeds.find((x) => x[1] !== null)?.[1] ?? []; });
  const a = s.view.a || String(pinned[0] ?? ''), b = s.view.b || String(pinned[1] ?? '');
  const got = useAsk(`diff ${a} ${b}`, async () => (a && b ? ask<Difference>('diff', [['a', a], ['b', b]]) : null)), [x, setX] = useState(a), [y, setY] = useState(b);
  const d = got.value, groups = [...new Set(d?.differences?.map((r) => r.group) ?? [])], title: Record<string, string> = { setting: 'Settings', plugin: 'Plugins', environment: 'Machine', result: 'Results' };
  return <div class="page diff">
    <Context extra={{ runs: [a, b].filter(Boolean) }} />
    <Sec first title="Two runs" small="what differs between them">
      <form class="ask" onSubmit={(e) => { e.preventDefault(); go({ a: x, b: y }); }}><label>run <input inputMode="numeric" value={x} onInput={(e) => setX(e.currentTarget.value)} size={6} /></label><label>and run <input inputMode="numeric" value={y} onInput={(e) => setY(e.currentTarget.value)} size={6} /></label><button type="submit" class="link">compare</button></form>
      {d && <p class="second"><b>{d.conclusion}</b></p>}
      {d?.first_difference && !d.conclusion.includes(d.first_difference) && <p class="key">{d.first_difference}</p>}
      {d && groups.length > 0 && <Behind what="all of it in one table" of={() => ({ heads: ['', 'name', `run ${d.a}`, `run ${d.b}`], right: [false, false, false, false], rows: d.differences.map((r) => [r.group, r.name, r.a, r.b]) })} />}
      {!a || !b ? <p class="muted">Pin two points, or name two runs.</p> : got.error ? <Problem error={got.error} extra={{ runs: [a, b] }} /> : !d ? <Waiting what="comparing" /> : null}
    </Sec>
    {d && groups.map((g) => {
      const rows = d.differences.filter((r) => r.group === g);
      return <Sec key={g} title={title[g] ?? g} small={`${rows.length} differ`}><div class="scroll" tabIndex={0}><table class="tbl plain sides"><thead><tr><th>name</th><th><a class="quietlink" href={address({ page: 'run', run: String(d.a) })}>run {d.a}</a></th><th><a class="quietlink" href={address({ page: 'run', run: String(d.b) })}>run {d.b}</a></th></tr></thead><tbody>{rows.map((r) => <tr key={r.name}><td class="muted">{r.name.split('.').flatMap((part, i) => (i ? ['.', <wbr />, part] : [part]))}</td><td class="wraps">{r.a || '–'}</td><td class="wraps">{r.b || '–'}</td></tr>)}</tbody></table></div></Sec>;
    })}
    {d && !groups.length && <p class="second none">Nothing that is recorded differs.</p>}
  </div>;
}
