// The sweep file after this one, for a box that was drawn over a map.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Absent, ask, Failed, live } from './api.ts';
import { copyText } from './clipboard.ts';
import { command } from './command.ts';
import { Cmd } from './parts.tsx';
import { asked } from './state.ts';
import { address, shared, state } from './store.ts';

const acts = document.documentElement.hasAttribute('data-control');

interface Next { file?: string; name?: string; command?: string; trials?: number; note?: string }

export function Refine({ where, close }: { where: string; close: () => void }): JSX.Element {
  const [next, set] = useState<Next | null>(null), [error, fail] = useState<Error | null>(null), [done, say] = useState(false);
  const typed = command({ ...state, page: 'refine' }, shared.answer?.ui?.command, { sweep: shared.answer?.sweep });
  const show = () => { ask<Next>('refine', [...asked(state), ['where', where]]).then((n) => { set(n); fail(null); }, fail); };
  const save = () => {
    const a = document.createElement('a');
    a.href = URL.createObjectURL(new Blob([next?.file ?? ''], { type: 'application/toml' }));
    a.download = next?.name ?? 'refined.toml';
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 1000);
  };
  return <div class="refine">
    <span><b>{shared.matching ? `${shared.matching.size} of ${shared.points?.of ?? ''} points` : ''}</b> <code>{where}</code></span>
    {live ? <button type="button" class="link" onClick={show}>refine this box</button> : <Cmd text={typed} />}
    <button type="button" class="link" onClick={close}>show all</button>
    {error && <p class="doubt">{error instanceof Absent || (error instanceof Failed && error.status === 404) ? <>The next sweep file, from a terminal: <Cmd text={typed} /></> : error.message}</p>}
    {next?.file && <div class="nextfile">
      <p>{next.note ?? 'The next sweep file. Trained values stay, so their trials are not trained again.'} <button type="button" class="link" onClick={() => { void copyText(next.file!).then(say); }}>{done ? 'copied' : 'copy'}</button> <button type="button" class="link" onClick={save}>save</button> {next.command && <Cmd text={next.command} />}{acts && <> <a class="link" href={address({ page: 'act' })}>save it in the folder, and train it</a></>}</p>
      <pre tabindex={0} aria-label="the next sweep file">{next.file}</pre>
    </div>}
  </div>;
}
