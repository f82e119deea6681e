// The box of the one expression language, with completion and help, and the error as the command line says it.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ask, live, type CompleteAnswer, type Completion } from './api.ts';
import { asked } from './state.ts';
import { go, shared, state } from './store.ts';
import { Cmd } from './parts.tsx';
import { command } from './command.ts';

// The server counts bytes, a browser UTF-16 units: λ is two bytes and one unit.
const units = (s: string, n: number): number => new TextDecoder().decode(new TextEncoder().encode(s).slice(0, n)).length;

export function Filter({ value, set, label, wrong, placeholder = "lr < 0.1 and optimizer in ['adam', 'sgd']", sweeps = false }: { value: string; set: (v: string) => void; label: string; wrong: { message: string; hint?: string } | null; placeholder?: string; sweeps?: boolean }): JSX.Element {
  const [text, setText] = useState(value), [items, setItems] = useState<Completion[]>([]), [span, setSpan] = useState<[number, number]>([0, 0]), [at, setAt] = useState(-1), [open, setOpen] = useState(false);
  const box = useRef<HTMLInputElement>(null), typing = useRef(0), asking = useRef(0);
  useEffect(() => { if (document.activeElement !== box.current) setText(value); }, [value]);
  useEffect(() => () => { clearTimeout(typing.current); clearTimeout(asking.current); }, []);

  const complete = (expr: string, caret: number) => {
    clearTimeout(asking.current);
    if (!live) return;
    const head = expr.slice(0, caret); // what is behind the caret completes nothing
    asking.current = window.setTimeout(() => {
      ask<CompleteAnswer>('complete', [...asked(state).filter(([k]) => k === 'sweep' && !sweeps), ['among', sweeps ? 'sweeps' : ''], ['expr', head]]).then(
        (a) => { if (document.activeElement === box.current) { setItems(a.words); setSpan([units(head, a.from), caret]); setAt(-1); setOpen(a.words.length > 0); } }, () => setOpen(false));
    }, 60);
  };
  const change = (v: string, now = false) => {
    setText(v);
    clearTimeout(typing.current);
    typing.current = window.setTimeout(() => set(v), now ? 0 : 180);
  };
  const take = (c: Completion) => {
    const [from, to] = span;
    const v = text.slice(0, from) + c.text + text.slice(to);
    change(v, true);
    setOpen(false);
    requestAnimationFrame(() => { box.current?.focus(); box.current?.setSelectionRange(from + c.text.length, from + c.text.length); complete(v, from + c.text.length); });
  };
  const key = (e: KeyboardEvent) => {
    if (!open || !items.length) { if (e.key === 'ArrowDown') complete(text, box.current?.selectionStart ?? text.length); return; }
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') { e.preventDefault(); setAt((at + (e.key === 'ArrowDown' ? 1 : at < 0 ? 0 : -1) + items.length) % items.length); }
    else if ((e.key === 'Enter' || e.key === 'Tab') && at >= 0) { e.preventDefault(); take(items[at]!); }
    else if (e.key === 'Escape') { e.stopPropagation(); setOpen(false); }
  };
  return <div class="where">
    <label for="where">{label}</label>
    <input ref={box} id="where" value={text} placeholder={placeholder} spellcheck={false} autocomplete="off" autocapitalize="off" role="combobox" aria-expanded={open} aria-controls="completions" aria-autocomplete="list" aria-activedescendant={at >= 0 ? 'completion' + at : undefined} aria-invalid={!!wrong} aria-describedby="wherewrong"
      onInput={(e) => { change(e.currentTarget.value); complete(e.currentTarget.value, e.currentTarget.selectionStart ?? 0); }} onKeyDown={key} onFocus={() => complete(text, text.length)} onBlur={() => setTimeout(() => setOpen(false), 120)} />
    <ul id="completions" role="listbox" aria-label="completions" hidden={!open}>{open && items.slice(0, 12).map((c, i) => <li key={c.text + i} id={'completion' + i} role="option" aria-selected={i === at} class={i === at ? 'cur' : undefined} onMouseDown={(e) => { e.preventDefault(); take(c); }}><code>{c.text}</code> <span class="muted">{c.help}</span></li>)}</ul>
    <p id="wherewrong" class="err" role="status">{wrong && !open && <>{wrong.message}{wrong.hint ? <span class="muted"> {wrong.hint}</span> : null}</>}</p>
  </div>;
}

/** The filter of points. A file without a server cannot read expressions, so it names the command. */
export function Where(): JSX.Element {
  const s = state;
  if (!live) return <div class="where"><p class="muted">To filter: <Cmd text={command({ ...s, page: 'table', view: { ...s.view, where: s.view.where || 'lr < 0.1' } }, shared.answer?.ui?.command, { sweep: shared.answer?.sweep })} /></p></div>;
  return <Filter value={s.view.where} set={(where) => go({ where })} label="Where: one expression, as on the command line" wrong={shared.wrong} />;
}
