// Hands for whatever stands on the page, made by the server or by the script: everything is found by its data-p and data-cmd, so
// nothing has to be bound again when the page changes.
import { boxExpression } from './box.ts';
import { copyText } from './clipboard.ts';
import { go, pin, shared, state } from './store.ts';
import { hideTip, showTip, tipOf } from './tip.tsx';

const SVG = 'http://www.w3.org/2000/svg';
const view = (): HTMLElement => document.getElementById('view')!;
const pointOf = (t: EventTarget | null): Element | null => (t instanceof Element ? t.closest('[data-p]') : null);
export const keyOf = (e: Element): string => e.getAttribute('data-p') ?? '';
const speaks = (e: Element): boolean => e.matches('.cell, .trace, .mark, .arms tr') && !e.closest('[data-quiet]');

/** The outermost drawing that an element is part of. */
function mapOf(e: Element): SVGSVGElement | null {
  let svg = e.closest('svg') as SVGSVGElement | null;
  while (svg?.ownerSVGElement) svg = svg.ownerSVGElement;
  return svg;
}
function layerOf(svg: SVGSVGElement): Element {
  let layer = svg.querySelector(':scope > g.hands');
  if (!layer) { layer = document.createElementNS(SVG, 'g'); layer.setAttribute('class', 'hands'); svg.append(layer); }
  return layer;
}
/** A place of the screen in the units of a drawing: its rows may be moved, and its sizes be per cent. */
function within(svg: SVGSVGElement, r: DOMRect): { x: number; y: number; width: number; height: number } {
  const m = svg.getScreenCTM(), a = new DOMPoint(r.left, r.top).matrixTransform(m?.inverse()), b = new DOMPoint(r.right, r.bottom).matrixTransform(m?.inverse());
  return { x: a.x, y: a.y, width: b.x - a.x, height: b.y - a.y };
}

/** A frame over a cell, in a layer above all cells: a neighbour must not cover half of it. */
function frame(cell: Element, kind: 'pinned' | 'here'): void {
  const svg = mapOf(cell), rect = cell.querySelector('rect');
  if (!svg || !rect) return;
  const layer = layerOf(svg), at = within(svg, rect.getBoundingClientRect());
  const make = (cls: string, inset: number) => {
    const r = document.createElementNS(SVG, 'rect');
    for (const [k, v] of Object.entries({ x: at.x + inset, y: at.y + inset, width: Math.max(0, at.width - 2 * inset), height: Math.max(0, at.height - 2 * inset), class: cls })) r.setAttribute(k, String(v));
    layer.append(r);
  };
  // The frame of a best stays visible: a pin stands within it.
  const p = shared.points?.byKey.get(keyOf(cell)), framed = kind === 'pinned' && !!p && (p.rank === 1 || !!p.chosen);
  if (kind === 'pinned' && !framed) make('under', 1);
  make(kind, framed ? 3.5 : kind === 'pinned' ? 0.5 : 0);
}

/** Draws what is pinned and what the expression leaves out, over what stands there. */
export function mark(): void {
  const root = view(), pins = new Set(state.pin);
  for (const layer of root.querySelectorAll('g.hands')) layer.remove();
  for (const e of root.querySelectorAll('[data-p]')) {
    const key = keyOf(e), pinned = pins.has(key);
    if (e.tagName === 'TR' || e.matches('.cell, .trace, .mark')) {
      e.classList.toggle('pin', pinned);
      e.classList.toggle('off', !!shared.matching && !shared.matching.has(key));
    }
    if (pinned && e.matches('.cell')) frame(e, 'pinned');
  }
  const at = tipOf();
  if (at?.isConnected && at.matches('.cell')) frame(at, 'here');
}

let here: Element[] = [];
function enter(e: Element): void {
  leave();
  here = [...view().querySelectorAll(`[data-p="${CSS.escape(keyOf(e))}"]`)];
  for (const x of here) x.classList.add('cur');
  if (!speaks(e)) return;
  showTip(e, keyOf(e));
  if (e.matches('.cell')) { for (const old of view().querySelectorAll('g.hands .here')) old.remove(); frame(e, 'here'); }
}
function leave(): void {
  for (const x of here) x.classList.remove('cur');
  here = [];
  for (const old of view().querySelectorAll('g.hands .here')) old.remove();
  hideTip();
}

const said = (button: Element, text: string) => {
  button.setAttribute('data-done', text);
  let speak = document.getElementById('said');
  if (!speak) { speak = Object.assign(document.createElement('div'), { id: 'said', className: 'vh' }); speak.setAttribute('role', 'status'); document.body.append(speak); }
  speak.textContent = text;
  setTimeout(() => button.removeAttribute('data-done'), 1400);
};

/* ---------- a box drawn over a map ---------- */
let drag: { svg: SVGSVGElement; from: Element; to: Element; moved: boolean } | null = null;
export let drawn: { where: string; points: number } | null = null;

function cellsWithin(svg: SVGSVGElement, a: Element, b: Element): Element[] {
  const p = a.getBoundingClientRect(), q = b.getBoundingClientRect();
  const l = Math.min(p.left, q.left) - 1, r = Math.max(p.right, q.right) + 1, t = Math.min(p.top, q.top) - 1, u = Math.max(p.bottom, q.bottom) + 1;
  return [...svg.querySelectorAll('.cell')].filter((c) => { const z = c.getBoundingClientRect(), x = (z.left + z.right) / 2, y = (z.top + z.bottom) / 2; return x > l && x < r && y > t && y < u; });
}
function drawBox(): void {
  if (!drag) return;
  for (const old of drag.svg.querySelectorAll('g.hands .box')) old.remove();
  const cells = cellsWithin(drag.svg, drag.from, drag.to).map((c) => c.getBoundingClientRect());
  const l = Math.min(...cells.map((c) => c.left)), t = Math.min(...cells.map((c) => c.top)), r = document.createElementNS(SVG, 'rect');
  const at = within(drag.svg, new DOMRect(l, t, Math.max(...cells.map((c) => c.right)) - l, Math.max(...cells.map((c) => c.bottom)) - t));
  for (const [n, w] of Object.entries({ class: 'box', ...at })) r.setAttribute(n, String(w));
  layerOf(drag.svg).append(r);
}
function endBox(): void {
  const d = drag;
  drag = null;
  if (!d?.moved || !shared.points) { mark(); return; }
  const placed = (cells: Iterable<Element>) => [...cells].flatMap((c) => { const p = shared.points!.byKey.get(keyOf(c)); return p ? [p.axes] : []; });
  const inside = placed(cellsWithin(d.svg, d.from, d.to)), where = boxExpression(placed(d.svg.querySelectorAll('.cell')), inside, shared.points.axes);
  drawn = where ? { where, points: inside.length } : null;
  hideTip();
  go({ where });
}
export const forgetBox = (): void => { drawn = null; };

/* ---------- keys ---------- */
function nextCell(from: Element, dx: number, dy: number): Element | null {
  const map = from.closest('.maps') ?? view(), own = mapOf(from), r = from.getBoundingClientRect();
  const x = (r.left + r.right) / 2, y = (r.top + r.bottom) / 2;
  let best: Element | null = null, least = Infinity;
  for (const c of map.querySelectorAll('.cell')) {
    const z = c.getBoundingClientRect(), along = dx ? ((z.left + z.right) / 2 - x) * dx : ((z.top + z.bottom) / 2 - y) * dy;
    const aside = Math.abs(dx ? (z.top + z.bottom) / 2 - y : (z.left + z.right) / 2 - x);
    if (along < 2 || aside > (dx ? r.height : r.width) * 0.75) continue;
    const far = along + aside * 3 + (mapOf(c) === own ? 0 : 1e4);
    if (far < least) { least = far; best = c; }
  }
  return best;
}
function focusCell(c: Element): void {
  for (const other of mapOf(c)?.querySelectorAll('.cell[tabindex="0"]') ?? []) other.setAttribute('tabindex', '-1');
  c.setAttribute('tabindex', '0');
  (c as SVGElement).focus();
}
function row(step: number): void {
  const rows = [...view().querySelectorAll<HTMLElement>('tbody tr[data-p]')];
  if (!rows.length) return;
  const i = rows.indexOf((document.activeElement?.closest('tr') ?? null) as HTMLElement), next = rows[i < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, i + step))]!;
  next.tabIndex = -1;
  next.focus();
  next.scrollIntoView({ block: 'nearest' });
}
/** The pages that the digits open, in the order of the links at the top. */
const links = (): HTMLAnchorElement[] => [...document.querySelectorAll<HTMLAnchorElement>('#top nav a')];

export function toggleTheme(): void {
  go({ theme: document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark' });
}

export function keys(): void {
  let dialog = document.getElementById('keys') as HTMLDialogElement | null;
  if (!dialog) {
    dialog = document.createElement('dialog');
    dialog.id = 'keys';
    dialog.setAttribute('aria-label', 'keys');
    const list = document.createElement('dl'), close = document.createElement('button'), title = document.createElement('p'), form = document.createElement('form');
    title.className = 'keystitle';
    title.textContent = 'Keys';
    list.className = 'kv';
    for (const [k, t] of [['1 … 9', 'pages'], ['/', 'filter'], ['← ↑ ↓ →', 'from cell to cell, across maps'], ['j k', 'row down, up'], ['p or space', 'pin'], ['Enter', 'open the point'], ['c', 'copy the command of this view'], ['t', 'light, dark'], ['Esc', 'unpin all'], ['?', 'these keys']] as const) {
      const dt = document.createElement('dt'), dd = document.createElement('dd');
      for (const part of k.split(' ')) { if (part === '…' || part === 'or') dt.append(` ${part} `); else { const kbd = document.createElement('kbd'); kbd.textContent = part; dt.append(kbd, ' '); } }
      dd.textContent = t;
      list.append(dt, dd);
    }
    form.method = 'dialog';
    close.className = 'link';
    close.textContent = 'close';
    form.append(close);
    dialog.append(title, list, form);
    document.body.append(dialog);
  }
  dialog.showModal();
}

function key(e: KeyboardEvent): void {
  if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return;
  const t = e.target instanceof Element ? e.target : document.body, typing = t.matches('input, select, textarea, [contenteditable]');
  if (document.querySelector('dialog[open]')) return;
  if (e.key === 'Escape') {
    if (typing) (t as HTMLElement).blur();
    else if (drag) { drag = null; mark(); }
    else if (state.pin.length) go({ pin: [] });
    leave();
    return;
  }
  if (typing) return;
  const arrows: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const on = pointOf(t), d = arrows[e.key];
  if (d && on?.matches('.cell')) { e.preventDefault(); const next = nextCell(on, d[0], d[1]); if (next) focusCell(next); return; }
  if (d && d[1] && on?.matches('tr')) { e.preventDefault(); row(d[1]); return; }
  if (on && e.key === 'Enter' && !t.matches('a, button, summary')) { e.preventDefault(); go({ page: 'setting', of: keyOf(on) }); return; }
  if (on && (e.key === 'p' || e.key === ' ') && !t.matches('button, summary')) { e.preventDefault(); pin(keyOf(on)); return; }
  const page = /^[1-9]$/.test(e.key) ? links()[Number(e.key) - 1] : undefined;
  if (page) { e.preventDefault(); page.click(); return; }
  switch (e.key) {
    case '/': {
      e.preventDefault();
      const focus = () => document.getElementById('where')?.focus();
      if (!document.getElementById('where')) { go({ page: 'table' }); setTimeout(focus, 60); } else focus();
      return;
    }
    case 'j': row(1); return;
    case 'k': row(-1); return;
    case 't': toggleTheme(); return;
    case '?': keys(); return;
    case 'c': { const b = document.querySelector<HTMLElement>('#view .context .cmd, #ctx .cmd, .context .cmd, #view .cmd'); b?.click(); return; }
  }
}

export function takeOver(): void {
  document.addEventListener('pointerover', (e) => {
    if (e.pointerType === 'touch') return;
    const p = pointOf(e.target);
    if (drag) { if (p?.matches('.cell') && mapOf(p) === drag.svg && p !== drag.to) { drag.to = p; drag.moved = true; hideTip(); drawBox(); } return; }
    if (p && view().contains(p)) { if (tipOf() !== p) enter(p); } else if (here.length) leave();
  });
  document.addEventListener('pointerout', (e) => { if (!drag && !e.relatedTarget) leave(); });
  document.addEventListener('focusin', (e) => { const p = pointOf(e.target); if (p && view().contains(p) && (e.target as Element).matches(':focus-visible')) enter(p); });
  document.addEventListener('focusout', () => { if (!drag) leave(); });
  addEventListener('scroll', hideTip, { passive: true });
  addEventListener('resize', () => { leave(); requestAnimationFrame(mark); });

  document.addEventListener('pointerdown', (e) => {
    const p = pointOf(e.target);
    if (e.button !== 0 || e.pointerType === 'touch' || !p?.matches('.cell') || !mapOf(p)) return;
    e.preventDefault(); // no text is selected by a drag
    drag = { svg: mapOf(p)!, from: p, to: p, moved: false };
  });
  let boxed = false;
  addEventListener('pointerup', () => { boxed = !!drag?.moved; if (drag) endBox(); });
  addEventListener('pointercancel', () => { drag = null; mark(); });

  document.addEventListener('click', (e) => {
    const t = e.target instanceof Element ? e.target : null;
    const command = t?.closest('[data-cmd]');
    if (command) {
      e.preventDefault();
      void copyText(command.getAttribute('data-cmd')!).then((ok) => said(command, ok ? 'copied' : 'the browser refused to copy'));
      return;
    }
    const show = t?.closest('[data-show]');
    if (show) { go({ page: 'map', show: show.getAttribute('data-show')! }); return; }
    if (boxed) { boxed = false; return; }
    const p = pointOf(t);
    if (!p || !view().contains(p) || t!.closest('a, button, input, select, summary, label') || getSelection()?.toString()) return;
    pin(keyOf(p));
  });
  document.addEventListener('dblclick', (e) => {
    const p = pointOf(e.target);
    if (p && view().contains(p) && !(e.target as Element).closest('a, button, input, select')) { getSelection()?.removeAllRanges(); go({ page: 'setting', of: keyOf(p) }); }
  });
  document.addEventListener('keydown', key);
}
