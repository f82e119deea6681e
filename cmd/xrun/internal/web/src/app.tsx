// The page of xrun in a browser. The server made what answers; this adds hands to it, and draws the further pages.
import './app.css';
import { render, type ComponentType, type JSX } from 'preact';
import { live } from './api.ts';
import { command } from './command.ts';
import { keys, mark, takeOver, toggleTheme, drawn, forgetBox } from './hands.ts';
import { follow, refreshOverview } from './live.ts';
import { Cmd } from './parts.tsx';
import { address, go, listen, load, own as madeOf, pin, shared, state, takeHues, useShared, wantSeeds } from './store.ts';
import { hideTip, redrawTip } from './tip.tsx';
import { Refine } from './refine.tsx';
import { CurvesPage } from './pages/curves.tsx';
import { TablePage } from './pages/table.tsx';
import { SettingPage } from './pages/setting.tsx';
import { MapPage } from './pages/map.tsx';
import { ExplorePage } from './pages/explore.tsx';
import { RunPage } from './pages/run.tsx';
import { DiffPage } from './pages/diff.tsx';
import { SweepsPage } from './pages/sweeps.tsx';
import { ManyPage } from './pages/many.tsx';
import { ConfirmPage } from './pages/confirm.tsx';
import { DatabasePage } from './pages/database.tsx';
import { ActPage } from './pages/act.tsx';

const pages: Record<string, ComponentType> = { curves: CurvesPage, table: TablePage, setting: SettingPage, map: MapPage, explore: ExplorePage, run: RunPage, diff: DiffPage, sweeps: SweepsPage, many: ManyPage, confirm: ConfirmPage, database: DatabasePage, act: ActPage };
const names: readonly (readonly [string, string])[] = [['overview', 'Overview'], ['curves', 'Curves'], ['table', 'Table'], ['setting', 'Point'], ['map', 'Map'], ['explore', 'Explore'], ['sweeps', 'Sweeps'], ['database', 'Database'],
  ...(document.documentElement.hasAttribute('data-control') ? [['act', 'Act'] as const] : [])];
/** Pages that belong to one of the links at the top. */
const within: Record<string, string> = { run: 'setting', diff: 'setting', many: 'sweeps', confirm: 'setting' };

const view = document.getElementById('view')!;
const systemDark = matchMedia('(prefers-color-scheme: dark)');

function theme(): void {
  const t = state.view.theme || (systemDark.matches ? 'dark' : 'light');
  document.documentElement.dataset.theme = t;
  const b = document.getElementById('themes');
  if (b) b.textContent = t === 'dark' ? 'light' : 'dark';
}

function top(): void {
  const header = document.getElementById('top');
  if (!header) return;
  let nav = header.querySelector('nav');
  if (!header.querySelector('.wrap')) { const w = document.createElement('div'); w.className = 'wrap'; w.append(...header.childNodes); header.append(w); }
  const row = header.querySelector('.wrap')!;
  if (!header.querySelector('.brand') && live) { // the server may leave the name of the sweep to the script
    const a = Object.assign(document.createElement('a'), { className: 'brand' }), of = document.createElement('span');
    a.href = '#/overview';
    of.textContent = '/ ' + (shared.answer?.sweep ?? madeOf);
    a.append('xrun ', of);
    row.prepend(a);
  }
  const brand = header.querySelector('.brand span'), sweep = shared.answer?.sweep;
  if (live && brand && sweep) brand.textContent = '/ ' + sweep; // the address may ask for another one than the page was made of
  if (!nav) { nav = document.createElement('nav'); row.querySelector('.brand')?.after(nav); }
  nav.setAttribute('aria-label', 'pages');
  nav.hidden = false;
  const there = new Map([...nav.querySelectorAll('a')].map((a) => [/#\/(\w+)/.exec(a.getAttribute('href') ?? '')?.[1] ?? '', a]));
  if (live) for (const [page, name] of names) { let a = there.get(page); if (!a) { a = document.createElement('a'); there.set(page, a); } a.textContent = name; nav.append(a); }
  for (const [page, a] of there) {
    if (!page) continue;
    a.setAttribute('href', address({ page }));
    if (page === (within[state.page] ?? state.page)) { if (!a.hasAttribute('aria-current')) { a.setAttribute('aria-current', 'page'); nav.scrollLeft = a.offsetLeft - nav.offsetLeft - 40; } } else a.removeAttribute('aria-current');
  }
  if (!document.getElementById('themes')) {
    const tools = document.querySelector<HTMLElement>('#top .tools') ?? Object.assign(document.createElement('div'), { className: 'tools' });
    const button = (id: string, text: string, act: () => void) => { const b = Object.assign(document.createElement('button'), { id, type: 'button', className: 'link', textContent: text }); b.addEventListener('click', act); tools.append(b); };
    button('themes', 'dark', toggleTheme);
    button('keysbutton', 'keys', keys);
    tools.hidden = false;
    if (!tools.parentElement) row.append(tools);
    theme();
  }
}

/** As many pins as leave room for the page. */
const MOST_PINS = 8;

function Tray(): JSX.Element | null {
  const s = useShared(), points = shared.points, all = s.pin.map((key) => ({ key, p: points?.byKey.get(key) }));
  if (all.length === 2) for (const { p } of all) wantSeeds(p);
  const runs = all.flatMap(({ p }) => p?.seeds.find((x) => x[1] !== null)?.[1] ?? []);
  return <div class="wrap">
    {all.length > 0 && <><b>{all.length} pinned</b>
      {all.length > MOST_PINS && <span class="muted">{MOST_PINS} shown</span>}
      {all.slice(0, MOST_PINS).map(({ key, p }) => <span class="p" key={key}>
        <a href={address({ page: 'setting', of: key })}>{p?.short ?? key}</a> <span class="muted">{p ? p.text : points ? 'not in this sweep' : ''}</span>
        <button type="button" class="x" aria-label={`unpin ${p?.short ?? key}`} onClick={() => pin(key)}>×</button>
      </span>)}
      <span class="right">{runs.length === 2 && all.length === 2 && <><Cmd text={command({ ...s, page: 'diff' }, shared.answer?.ui?.command, { runs })} /> <a class="link" href={address({ page: 'diff', a: String(runs[0]), b: String(runs[1]) })}>side by side</a></>}<button type="button" class="link" onClick={() => go({ pin: [] })}>clear</button></span></>}
    {drawn && s.view.where === drawn.where && <Refine where={drawn.where} close={() => { forgetBox(); go({ where: '' }); }} />}
  </div>;
}

function Page(): JSX.Element | null {
  const s = useShared(), Of = pages[s.page];
  if (!Of) return <div class="problem"><p class="second"><b>There is no page “{s.page}”.</b> <a href={address({ page: 'overview' })}>Overview</a></p></div>;
  return <Of key={s.page} />;
}

let shown = 'overview', asked = '';
let kept: DocumentFragment | null = null; // the overview of the server, while another page stands there
const drawing = document.createElement('div');
drawing.id = 'drawn';

/** Which overview stands there, or is kept. */
const question = () => JSON.stringify([state.sweep, state.question]);

function update(): void {
  theme();
  top();
  const here = document.getElementById('ctx');
  if (here) here.hidden = state.page !== 'overview';
  if (state.page === 'overview') {
    if (kept) { render(null, drawing); drawing.remove(); view.append(kept); kept = null; }
    const now = question();
    if (live && now !== asked) { asked = now; refreshOverview(view, redrawn).catch(said); }
  } else {
    if (!kept) { kept = document.createDocumentFragment(); kept.append(...view.childNodes); }
    if (!drawing.isConnected) { view.append(drawing); render(<Page />, drawing); }
  }
  if (shown !== state.page) { hideTip(); shown = state.page; document.body.dataset.page = shown; }
  const tray = document.getElementById('tray');
  if (tray) { tray.hidden = !state.pin.length && !(drawn && state.view.where === drawn.where); render(<Tray />, tray); }
  const name = shared.answer?.sweep, first = shared.answer?.verdict.split(/:|\n/)[0];
  if (name) document.title = state.page === 'overview' ? `${name}: ${first} · xrun` : `${name}, ${state.page} · xrun`;
  redrawTip();
  requestAnimationFrame(mark);
}

const redrawn = () => { takeHues(view); offer(); mark(); };
/** Choices that the server's maps leave to a script: the page of maps shows them. */
function offer(): void {
  if (!live) return;
  for (const t of view.querySelectorAll<HTMLElement>('[data-shows]')) t.hidden = false;
}

function said(e: Error): void {
  const p = Object.assign(document.createElement('p'), { className: 'second', textContent: e.message });
  p.setAttribute('role', 'alert');
  view.prepend(p);
}

if (view) {
  asked = JSON.stringify([madeOf ? [madeOf] : [], {}]); // what the server made; another question in the address asks again
  takeHues(view);
  offer();
  takeOver();
  listen(update);
  systemDark.addEventListener('change', theme);
  update();
  load();
  follow(() => { if (state.page === 'overview') return refreshOverview(view, redrawn); asked = ''; return undefined; });
}
