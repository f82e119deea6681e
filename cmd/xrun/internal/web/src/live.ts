// What changes while a sweep trains: the server says when, the page asks for the new answer. Nothing is polled.
import { Idiomorph } from 'idiomorph/dist/idiomorph.esm.js';
import { Failed, live, text } from './api.ts';
import { asked } from './state.ts';
import { stale, state } from './store.ts';

let moved = 0;
/** Nothing moves under the pointer: what changed waits until it rests elsewhere, at most five seconds. */
const busy = (since: number): boolean => Date.now() - since < 5000 && Date.now() - moved < 900 && !!document.querySelector('#view [data-p]:hover, #view .cmd:hover, #view button:hover');

/** Puts the server's new overview in the place of the one that stands there, node by node: focus, scroll and cells stay. */
export function morph(view: HTMLElement, html: string): void {
  // A parsed document runs no script and loads nothing.
  const fresh = new DOMParser().parseFromString(html, 'text/html').body;
  Idiomorph.morph(view, [...fresh.childNodes], { morphStyle: 'innerHTML', ignoreActiveValue: true, restoreFocus: true });
}

let wanted = 0;
export async function refreshOverview(view: HTMLElement, after: () => void): Promise<void> {
  const mine = ++wanted, html = await text('sheet', asked(state));
  if (mine !== wanted || state.page !== 'overview') return;
  morph(view, html);
  after();
}

/** Updates follow each other in a second or more: a page that asks all the time would slow the sweep that it shows. */
const PACE = 1000;

export function follow(changed: () => Promise<void> | void): void {
  if (!live || typeof EventSource === 'undefined') return;
  addEventListener('pointermove', () => { moved = Date.now(); }, { passive: true });
  let source: EventSource | null = null, of = '', waiting = 0, next = 0;
  const ended = (text: string) => { const tell = document.getElementById('lost') ?? Object.assign(document.body.appendChild(document.createElement('p')), { id: 'lost' }); tell.setAttribute('role', 'status'); tell.textContent = text; tell.hidden = !text; };
  const open = () => {
    const query = new URLSearchParams(asked(state).filter(([k]) => k === 'sweep')).toString();
    if (source && query === of) return;
    source?.close();
    of = query;
    source = new EventSource('/api/v1/events' + (query ? '?' + query : ''));
    let again = false;
    const change = () => {
      if (waiting) { again = true; return; }
      const since = Date.now();
      const act = () => {
        if (document.hidden || busy(since)) { waiting = window.setTimeout(act, document.hidden ? 1000 : 200); return; }
        const began = Date.now();
        stale();
        // Another change meanwhile waits for this one to be drawn. A database that cannot be read for a moment is asked again.
        void Promise.resolve(changed()).catch((e: unknown) => { if (e instanceof Failed && e.status === 503) again = true; }).finally(() => { waiting = 0; next = Date.now() + Math.max(PACE, 2 * (Date.now() - began)); if (again) { again = false; change(); } });
      };
      waiting = window.setTimeout(act, Math.max(150, next - Date.now()));
    };
    source.addEventListener('change', change);
    let lost = 0;
    source.addEventListener('open', () => { if (lost) { lost = 0; ended(''); change(); } });
    source.addEventListener('error', () => { if (!lost) lost = window.setTimeout(() => { if (source?.readyState !== EventSource.OPEN) ended('The server does not answer: this page stands still until it does.'); }, 3000); });
  };
  open();
  addEventListener('hashchange', open);
  addEventListener('popstate', open);
}
