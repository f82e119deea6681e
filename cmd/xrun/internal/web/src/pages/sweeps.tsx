import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ask, Failed, type SweepsAnswer } from '../api.ts';
import { Filter } from '../filter.tsx';
import { Cmd, Context, Problem, Waiting } from '../parts.tsx';
import { nice } from '../nice.ts';
import { address, go, useAsk, useShared } from '../store.ts';

const ago = (t: string | undefined): string => (t ? t.slice(0, 16).replace('T', ' ') : '');

export function SweepsPage(): JSX.Element {
  useShared();
  const [where, setWhere] = useState(''), [marked, mark] = useState<readonly string[]>([]);
  const got = useAsk('sweeps ' + where, () => ask<SweepsAnswer>('sweeps', [['where', where], ['lead', 1]])), a = got.value;
  const open = (name: string) => `/s/${encodeURIComponent(name)}`;
  return <div class="page sweeps">
    <Context>{a ? `${a.sweeps.length} of ${a.all ?? a.of ?? a.sweeps.length} sweeps shown, newest first` : ''}</Context>
    <h1 class="vh">Sweeps</h1>
    <div class="filter"><Filter value={where} set={setWhere} sweeps label="Where: one expression. Names: name, metric, goal, trials, done, running, failed, diverged, created, tags, live" placeholder="live or name ~ 'digits'" wrong={got.error instanceof Failed ? got.error : null} />
      <div class="count">{marked.length > 1 ? <><b>{marked.length} marked</b> <a class="link" href={address({ page: 'many', sweep: [...marked] })}>ranks over them</a> <a class="link" href={address({ page: 'table', sweep: [...marked], pin: [], where: '' })}>compare together</a></> : <span class="muted">mark several to compare them</span>}</div></div>
    {got.error && !a ? <Problem error={got.error} /> : !a ? <Waiting what="reading sweeps" /> : a.sweeps.length === 0 ? <p class="second none">{where ? <><b>0 of {a.all ?? ''} sweeps</b> match <code>{where}</code>. <button type="button" class="link" onClick={() => setWhere('')}>show all</button></> : <><b>No sweep is in this store yet.</b> <Cmd text="xrun init" /></>}</p> :
      <div class="scroll" tabIndex={0}><table class="tbl sweeplist"><thead><tr><th><span class="vh">mark</span></th><th>sweep</th><th>answer</th><th>metric</th><th class="num">done</th><th class="num">trains</th><th class="num">failed</th><th class="num">diverged</th><th>created</th></tr></thead>
        <tbody>{a.sweeps.map((w) => {
          const name = w.title || w.name, live = (w.owners?.length ?? 0) > 0, of = a.sweeps.find((o) => o.id === w.of);
          return <tr key={w.id}><td><input type="checkbox" aria-label={`mark ${name}`} checked={marked.includes(name)} onChange={(e) => mark(e.currentTarget.checked ? [...marked, name] : marked.filter((m) => m !== name))} /></td>
            <td><a href={open(name)}><b>{name}</b></a>{live && <span class="pulse pip" title="it trains"> ●</span>}{w.relation && <span class="muted under">{w.relation === 'confirm' ? <a href={open(name) + '#/confirm'}>confirm</a> : w.relation} of {of ? of.title || of.name : w.of || ''}</span>}{w.tags?.length ? <span class="muted under">{w.tags.join(', ')}</span> : null}</td>
            <td class="wraps lead">{w.lead ? nice(w.lead) : <span class="muted">{w.done === 0 ? 'no result yet' : ''}</span>}</td><td>{w.metric} {w.goal === 'max' ? '↑' : '↓'}</td>
            <td class="num done">{w.done} of {w.trials}</td><td class={'num' + (w.running ? '' : ' muted none0')} data-head="trains">{w.running}</td><td class={'num' + (w.failed ? ' doubt' : ' muted none0')} data-head="failed">{w.failed}</td><td class={'num' + (w.diverged ? ' doubt' : ' muted none0')} data-head="diverged">{w.diverged}</td><td class="muted">{ago(w.created)}</td></tr>;
        })}</tbody></table></div>}
    <p class="key"><button type="button" class="link" onClick={() => go({ page: 'database' })}>The database</button> holds every value of every run.</p>
  </div>;
}
