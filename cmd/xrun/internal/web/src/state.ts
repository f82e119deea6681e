// The state of the page, which stands in the URL: #/table?sweep=digits&where=lr < 0.1&pin=KEY,KEY. What has its default is
// left out. A link goes on to work when ranks change, because pins are keys of points.

/** Parameters of the question, named as the flags of `xrun compare`, in the order in which a command prints them. */
export const QUESTION = ['metric', 'goal', 'at', 'stat', 'test', 'equal', 'scale', 'baseline', 'by', 'target', 'cols'] as const;
export type QuestionName = (typeof QUESTION)[number];

/** What pages show, beside the question, with the values that are left out of the URL. */
export const DEFAULTS = {
  where: '', sort: '', of: '', run: '', a: '', b: '', q: '',
  show: 'mean', columns: '', rows: '',
  curve: '', x: 'epoch', xs: 'linear', y: '', train: '', smooth: '',
  theme: '',
} as const;
export type ViewName = keyof typeof DEFAULTS;

export interface State {
  page: string;
  sweep: string[];
  pin: string[];
  question: Partial<Record<QuestionName, string>>;
  view: Record<ViewName, string>;
}

export function parse(hash: string): State {
  const [path, query] = split(hash.replace(/^#\/?/, ''), '?');
  const u = new URLSearchParams(query);
  const state: State = { page: path || 'overview', sweep: u.getAll('sweep').filter(Boolean), pin: [], question: {}, view: { ...DEFAULTS } };
  for (const key of (u.get('pin') ?? '').split(',')) if (key && !state.pin.includes(key)) state.pin.push(key);
  for (const name of QUESTION) { const v = u.get(name); if (v) state.question[name] = v; }
  for (const name of Object.keys(DEFAULTS) as ViewName[]) { const v = u.get(name); if (v !== null) state.view[name] = v; }
  return state;
}

/** What a page alone knows is not carried to the next: the point of a setting page is none of the table's. */
const OWN: Partial<Record<ViewName, readonly string[]>> = { of: ['setting', 'confirm'], run: ['run'], a: ['diff'], b: ['diff'], q: ['database'], curve: ['curves'] };

export function print(s: State): string {
  const u = new URLSearchParams();
  for (const v of s.sweep) u.append('sweep', v);
  if (s.pin.length) u.set('pin', s.pin.join(','));
  for (const name of QUESTION) { const v = s.question[name]; if (v) u.set(name, v); }
  for (const name of Object.keys(DEFAULTS) as ViewName[]) {
    const v = s.view[name], own = OWN[name];
    if (v !== DEFAULTS[name] && (!own || own.includes(s.page))) u.set(name, v);
  }
  // What reads well in an address and may stand there: the rest stays encoded.
  const text = u.toString().replace(/%3A/g, ':').replace(/%2C/g, ',').replace(/%2F/g, '/');
  return '#/' + s.page + (text ? '?' + text : '');
}

export type Change = Partial<{ page: string; sweep: string[]; pin: string[]; question: Partial<Record<QuestionName, string>> } & Record<ViewName, string>>;

export function changed(s: State, c: Change): State {
  const { page, sweep, pin, question, ...view } = c;
  return { page: page ?? s.page, sweep: sweep ?? s.sweep, pin: pin ?? s.pin, question: question ? { ...s.question, ...question } : s.question, view: { ...s.view, ...view } };
}

/** The parameters of a request for the answer to the question of the page, without what only a page shows. */
export function asked(s: State): [string, string][] {
  const out: [string, string][] = s.sweep.map((v) => ['sweep', v]);
  for (const name of QUESTION) { const v = s.question[name]; if (v) out.push([name, v]); }
  return out;
}

export function split(text: string, at: string): [string, string] {
  const i = text.indexOf(at);
  return i < 0 ? [text, ''] : [text.slice(0, i), text.slice(i + at.length)];
}
