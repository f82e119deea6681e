// The state that pages share, and what they are told when it changes.
import { useEffect, useState } from 'preact/hooks';
import { Absent, answer, ask, Failed, forget, points, seedsAround, type Answer, type MapsAnswer } from './api.ts';
import { armColours, armsOf, huesOnPage, nameArms, Points, type Point } from './points.ts';
import { asked, changed, parse, print, type Change, type State } from './state.ts';

/** The sweep that the server made the page of: that of the address /s/NAME, or the newest when the page was opened. */
export const own = document.body.dataset.sweep || decodeURIComponent(/^\/s\/(.+)$/.exec(location.pathname)?.[1] ?? '');

const read = (): State => { const s = parse(location.hash); return s.sweep.length || !own ? s : { ...s, sweep: [own] }; };
const write = (s: State): string => print(own && s.sweep.length === 1 && s.sweep[0] === own ? { ...s, sweep: [] } : s);

export let state: State = read();
const listeners = new Set<() => void>();
export const listen = (f: () => void): (() => void) => { listeners.add(f); return () => { listeners.delete(f); }; };
export const tell = (): void => { for (const f of [...listeners]) f(); };

/** Counts changes of the store, so that pages ask again. */
export let version = 0;
export function stale(): void { version++; forget(); load(); tell(); }

export const address = (c: Change): string => write(changed(state, c));

/** Changes the state. Another page is a step of the browser's history; a pin, a filter or a sort is none. */
export function go(c: Change): void {
  const before = state, next = changed(state, c), step = c.page !== undefined && c.page !== before.page || c.of !== undefined && c.of !== before.view.of;
  state = next;
  history[step ? 'pushState' : 'replaceState'](null, '', write(next));
  if (step) scrollTo(0, 0);
  load();
  tell();
}
const reread = () => { state = read(); load(); tell(); };
addEventListener('popstate', reread);
addEventListener('hashchange', () => { if (write(state) !== location.hash) { reread(); scrollTo(0, 0); } });

export function pin(key: string): void {
  go({ pin: state.pin.includes(key) ? state.pin.filter((k) => k !== key) : [...state.pin, key] });
}

/** What everything needs: the answer, all points, where scales end, and which points the expression leaves. */
export const shared: { answer: Answer | null; points: Points | null; colours: Map<string, string>; clip: number | null; matching: Set<string> | null; wrong: Failed | null; error: Error | null } =
  { answer: null, points: null, colours: new Map(), clip: null, matching: null, wrong: null, error: null };

let hues: Record<string, number> = {};
/** Takes the hues of arms from the server's overview, while it stands on the page. */
export function takeHues(root: ParentNode): void {
  const found = huesOnPage(root);
  if (Object.keys(found).length) { hues = found; settle(); }
}
function settle(): void {
  if (!shared.answer) return;
  shared.colours = armColours(shared.answer, { ...hues, ...shared.answer.ui?.hues });
  if (shared.points) nameArms(shared.points, shared.answer);
}

let wanted = '';
/** Asks for what is shared, where the question has changed. The last good rows stay while an expression is wrong. */
export function load(): void {
  const s = state, now = JSON.stringify([s.sweep, s.question, s.view.where, version]);
  if (now === wanted) return;
  wanted = now;
  const current = <T>(f: (v: T) => void) => (v: T) => { if (now === wanted) { f(v); tell(); } };
  const failed = current((e: Error) => { shared.error = e; });
  shared.clip = null;
  clipOf = '';
  answer(s).then(current((a) => { shared.answer = a; shared.error = null; shared.clip = a.ui?.clip ?? null; settle(); }), failed);
  points(s, '').then(current((p) => { shared.points = new Points(p.columns, p.of, p.versus_head); settle(); }), failed);
  if (!s.view.where.trim()) { shared.matching = null; shared.wrong = null; return; }
  points(s, s.view.where).then(
    current((p) => { shared.matching = new Set(p.columns.key); shared.wrong = null; }),
    current((e: Error) => {
      if (e instanceof Failed && e.status === 404) { shared.matching = new Set(); shared.wrong = null; } // nothing matches
      else if (e instanceof Failed) shared.wrong = e;
    }));
}

let clipOf = '';
/** Asks where scales end, for pages that have scales. */
export function wantClip(): void {
  if (clipOf === wanted || shared.answer?.ui?.clip !== undefined) return;
  const now = (clipOf = wanted);
  ask<MapsAnswer>('maps', asked(state)).then((m) => { if (now === wanted) { shared.clip = m.clip?.value ?? null; tell(); } }, () => { /* no map, no clip */ });
}

/** Fills in the seeds of a point. True if they are there; otherwise everything is told when they come. */
export function wantSeeds(p: Point | undefined): boolean {
  if (!p || p.seeds.length) return true;
  const points = shared.points;
  if (!points || asking.has(p)) return false;
  asking.add(p);
  seedsAround(state, p.index).then((a) => {
    a.columns.key.forEach((key, i) => { const q = points.byKey.get(key), seeds = a.columns.seeds?.[i]; if (q && seeds) q.seeds = seeds; });
    if (points === shared.points) tell();
  }, () => { /* the point has no seeds to show */ });
  return false;
}
const asking = new WeakSet<Point>();

/** The points that pages compare first: the best of each arm. */
export const chosenPoints = (): Point[] => shared.points?.list.filter((p) => p.chosen) ?? [];
/** The point that others are measured against, if there is one. */
export function baseline(): Point | undefined {
  const arm = armsOf(shared.answer).find((a) => a.baseline)?.name;
  return arm === undefined ? undefined : shared.points?.list.find((p) => p.chosen === arm);
}

/** Draws again when the shared state changes. */
export function useShared(): State {
  const [, again] = useState(0);
  useEffect(() => listen(() => again((n) => n + 1)), []);
  return state;
}

export interface Loaded<T> { value: T | null; error: Error | null; loading: boolean }
/** The answer to a request; the one before it stays until the next is there. */
export function useAsk<T>(key: string, request: () => Promise<T>): Loaded<T> {
  const [got, set] = useState<Loaded<T>>({ value: null, error: null, loading: true });
  const id = key + '#' + version;
  useEffect(() => {
    let mine = true;
    set((old) => ({ ...old, loading: true }));
    request().then((value) => mine && set({ value, error: null, loading: false }), (error: Error) => mine && set((old) => ({ value: error instanceof Absent ? null : old.value, error, loading: false })));
    return () => { mine = false; };
  }, [id]);
  return got;
}
