// What the pages know: from the server while it runs, from the data within the file where there is none. Same schema.
import { plain } from './nice.ts';
import { asked, QUESTION, type State } from './state.ts';

export type Num = number | null;
export type Cell = number | string | null;
/** What a seed of a point gave: seed, run, value, its epoch, epochs trained, status. */
export type Seed = [seed: number, run: Num, value: Num, epoch: Num, epochs: Num, status: string];

export interface Columns {
  key: string[]; rank: number[]; problem?: string[]; name: string[]; optimizer: string[]; regularizer: string[];
  lr?: Num[]; lambda?: Num[]; axes?: Record<string, Cell[]>;
  mean: Num[]; low: Num[]; high: Num[]; text: string[];
  versus_text: string[]; versus?: ([Num, Num, Num] | null)[];
  tied: number[]; unstable?: number[]; state: string[]; n: number[]; epochs: Num[]; seconds?: Num[];
  arm: string[]; p?: Num[]; p_text?: string[]; given_up?: string[]; remark?: string[];
  columns?: Record<string, { text: string[]; value: Num[] }>; seeds?: Seed[][];
}
export interface PointsAnswer { xrun_ui: number; of: number; from: number; columns: Columns; versus_head?: string; command?: string }

export interface Arm { name: string; points: number[]; chosen: Num; baseline?: boolean }
export interface Answer {
  sweep: string; metric: string; goal: 'min' | 'max'; verdict: string;
  points_of?: number; arms?: Arm[]; problems?: { problem?: string; arms?: Arm[] }[]; same_for_all?: Record<string, string>;
  ui?: { heading?: string; command?: string; next?: string[]; control?: boolean; axes?: string[]; hues?: Record<string, number>; clip?: Num };
}

export interface Ticked { name: string; text: string[]; number: Num[]; zero_apart?: boolean }
/** Where the colours of a data set's maps end. */
export interface Ends { quantile: number; value: Num; beyond: number; texts: string[]; says: string }
export interface OneMap { problem?: string; title: string; what: string; columns: Ticked; rows: Ticked; cells: string[][]; values: Num[][]; text: string[][]; level: number[][]; beyond: number[][]; state: string[][]; best?: string; clip: Ends | null }
export interface MapsAnswer { maps: OneMap[]; clip: Ends | null; show?: string; axes?: string[]; metric?: string; command?: string }

/** A scale of the server: where an axis begins and ends, and its ticks. */
export interface Scaled { low: Num; high: Num; log: boolean; zero?: boolean; below?: boolean; note?: string; ticks: Num[]; text: string[] }
export interface CurveSeed { metric: string; seed: number; run_id: number; x: Num[]; value: Num[]; of?: number }
export interface CurveBand { metric: string; x: Num[]; mean: Num[]; low: Num[]; high: Num[]; of?: number }
export interface CurveStop { seed: number; run_id?: number; epoch: number; x: Num; status: string; reason: string }
export interface PointCurves { key: string; name?: string; rank?: number; bands: CurveBand[]; seeds: CurveSeed[]; stops: CurveStop[] }
export interface CurvesAnswer { metrics: string[]; goal?: string; x?: string; points: PointCurves[]; drawn?: boolean; x_scale?: Scaled; y_scale?: Scaled; command?: string }

export interface KV { name: string; value: string; mono?: boolean }

export type Settings = Record<string, Cell> | { path?: string; name?: string; value: Cell }[];
/** Answers about single points and runs hold more than is named here; what is not known is listed as it is. */
export interface PointAnswer { key?: string; name?: string; rank?: number; of?: number; seeds?: Record<string, unknown>[]; settings?: Settings; same?: Settings; provenance?: unknown; commands?: unknown; [more: string]: unknown }
export interface RunAnswer { [more: string]: unknown }
export interface DiffAnswer { [more: string]: unknown }
export interface SensitivityAnswer { metric: string; arms: { arm: string; line: { lr: number; text: string; key?: string; mean: Num; low: Num; high: Num; diverged?: boolean }[]; basin_text?: string }[]; slack?: string; drawn?: boolean; x_scale?: Scaled; y_scale?: Scaled; command?: string }
export interface ParallelAnswer { metric: string; goal: string; of: number; key: string[]; mean: Num[]; axes: (Ticked & { place: number[] })[]; scale?: Scaled; command?: string }
export interface RankingAnswer { arms: { arm: string; rank: number }[]; critical_difference: Num; groups: [number, number][]; caption: string; friedman?: { chi_squared: Num; p: Num; n: number }; command?: string }
export interface ProfileAnswer { tau: number[]; arms: { arm: string; score: Num; height: number[]; epochs?: Num[] }[]; end?: number; caption: string; command?: string }
export interface SqlAnswer { columns?: string[]; heads?: string[]; rows?: Cell[][]; of?: number; more?: boolean; cut?: boolean; seconds?: number; [more: string]: unknown }
export interface SweepRow { id: number; name: string; title: string; notes?: string; tags?: string[]; metric: string; goal: string; created?: string; trials: number; done: number; running: number; failed: number; diverged: number; owners?: { pid: number; host: string; command?: string; since?: string }[]; relation?: string; of?: number; lead?: string }
export interface SweepsAnswer { of?: number; all?: number; sweeps: SweepRow[]; control?: boolean }
export interface Completion { text: string; kind?: string; help?: string }
/** from and to are bytes of the expression, as the server reads it. */
export interface CompleteAnswer { words: Completion[]; from: number; to: number; error?: { message: string; hint?: string } | null }

/** An error as the command line says it. */
export class Failed extends Error {
  constructor(message: string, readonly hint = '', readonly status = 0) { super(message); }
}
/** What a frozen page does not hold. */
export class Absent extends Error {}

type Parameters = readonly [string, string | number | undefined][];

export const live = document.documentElement.hasAttribute('data-live');

let frozen: Record<string, unknown> | null = null;
if (!live) {
  const text = document.getElementById('data')?.textContent;
  try { frozen = text ? JSON.parse(plain(text)) : {}; } catch { frozen = {}; }
}

const kept = new Map<string, Promise<unknown>>();
/** Forgets every answer, when the store has changed. */
export const forget = () => kept.clear();

export function ask<T>(path: string, parameters: Parameters = []): Promise<T> {
  const query = new URLSearchParams();
  for (const [name, value] of parameters) if (value !== undefined && value !== '') query.append(name, String(value));
  const url = '/api/v1/' + path + (query.size ? '?' + query : '');
  let answer = kept.get(url);
  if (!answer) {
    answer = live ? fetched(url) : within(path, query);
    kept.set(url, answer);
    answer.catch(() => kept.get(url) === answer && kept.delete(url));
    if (kept.size > 200) kept.delete(kept.keys().next().value!);
  }
  return answer as Promise<T>;
}

async function fetched(url: string): Promise<unknown> {
  const response = await get(url);
  return JSON.parse(plain(await response.text()));
}

export async function text(path: string, parameters: Parameters): Promise<string> {
  if (!live) throw new Absent();
  const query = new URLSearchParams();
  for (const [name, value] of parameters) if (value !== undefined && value !== '') query.append(name, String(value));
  return (await get('/api/v1/' + path + '?' + query)).text();
}

async function get(url: string): Promise<Response> {
  let response: Response;
  try { response = await fetch(url, { credentials: 'same-origin' }); } catch { throw new Failed('the server does not answer', 'xrun ui serves this page; start it again, and reload'); }
  if (response.ok) return response;
  let said: { error?: string; hint?: string } = {};
  try { said = await response.json(); } catch { /* not ours: the status says it */ }
  throw new Failed(said.error ?? `the server answered ${response.status} ${response.statusText}`, said.hint, response.status);
}

/** The part of the data within the file that a request asks for. */
async function within(path: string, query: URLSearchParams): Promise<unknown> {
  const data = frozen?.[path];
  // The file holds the answer to one question: what asks another one is for the server.
  if (data === undefined || ['where', 'rank', ...QUESTION].some((name) => query.has(name) && !(path === 'curves' && name === 'metric'))) throw new Absent();
  if (path === 'maps' && ((query.get('show') ?? 'mean') !== ((data as MapsAnswer).show ?? 'mean') || query.has('columns') || query.has('rows'))) throw new Absent();
  if (path === 'curves') {
    const all = data as CurvesAnswer, keys = query.getAll('point');
    if (query.get('x') === 'seconds' || query.getAll('metric').some((m) => !all.metrics.includes(m))) throw new Absent();
    const points = keys.length ? all.points.filter((p) => keys.includes(p.key)) : all.points;
    if (!points.length) throw new Absent();
    return { ...all, points };
  }
  if (path === 'point' || path === 'run') {
    const of = (data as Record<string, unknown>)[query.get('point') ?? query.get('id') ?? ''];
    if (!of) throw new Absent();
    return of;
  }
  return data;
}

/** The columns of all points, in the table's order, fetched in pages. `where` leaves rows out. */
export function points(s: State, where: string, sort = ''): Promise<PointsAnswer> {
  const parameters: [string, string | number][] = [...asked(s), ['where', where.trim()], ['sort', live ? sort : '']];
  const id = 'all points ' + JSON.stringify(parameters);
  let all = kept.get(id) as Promise<PointsAnswer> | undefined;
  if (!all) {
    all = gather(parameters);
    kept.set(id, all);
    all.catch(() => kept.get(id) === all && kept.delete(id));
  }
  return all;
}

/** How many points come with one request for their seeds: those of most sweeps, and a page of a large one. */
const CHUNK = 250;
/** The values of the seeds of a point and of its neighbours in the table: of all points they would be megabytes. */
export function seedsAround(s: State, index: number): Promise<PointsAnswer> {
  const from = Math.floor(index / CHUNK) * CHUNK;
  return ask<PointsAnswer>('points', [...asked(s), ['seeds', 1], ['from', from || undefined], ['limit', CHUNK]]);
}

async function gather(parameters: [string, string | number][]): Promise<PointsAnswer> {
  const first = await ask<PointsAnswer>('points', [...parameters, ['from', 0], ['limit', 2000]]);
  const parts = [first];
  for (let have = first.columns.key.length; live && have < first.of;) {
    const next = await ask<PointsAnswer>('points', [...parameters, ['from', have], ['limit', 2000]]);
    if (!next.columns.key.length) break;
    parts.push(next);
    have += next.columns.key.length;
  }
  return parts.length === 1 ? first : { ...first, columns: joined(parts.map((p) => p.columns)) };
}

function joined(parts: Columns[]): Columns {
  const join = (of: unknown[]): unknown => {
    if (Array.isArray(of[0])) return of.flat(1);
    if (of[0] && typeof of[0] === 'object') return Object.fromEntries(Object.keys(of[0]).map((k) => [k, join(of.map((o) => (o as Record<string, unknown>)[k]))]));
    return of[0];
  };
  return join(parts) as Columns;
}

export const answer = (s: State): Promise<Answer> => ask<Answer>('answer', asked(s));
