// Points by their key, from the columns of the server.
import { nice } from './nice.ts';
import type { Answer, Arm, Columns, Num, Seed } from './api.ts';

export interface Point {
  index: number; key: string; rank: number; name: string; short: string; optimizer: string; regularizer: string;
  lr: Num; lambda: Num; mean: Num; low: Num; high: Num; text: string; versus: string;
  tied: boolean; unstable: boolean; state: string; n: number; epochs: Num; problem: string; arm: string; seeds: Seed[];
  /** The arm that chose the point; empty if none did. */
  chosen: string;
  axes: Record<string, number | string | null>;
}

/** The axis along which points of several data sets differ. */
export const DATA_SET = 'dataset';
const NOTHING: Columns = { key: [], rank: [], name: [], optimizer: [], regularizer: [], mean: [], low: [], high: [], text: [], versus_text: [], tied: [], state: [], n: [], epochs: [], arm: [] };

export class Points {
  readonly list: Point[];
  readonly byKey = new Map<string, Point>();
  readonly best: Point | undefined;
  /** Names of axes that vary over the points, in the order of the columns. */
  readonly axes: string[];
  /** Data sets, in the order of the points; one that needs no name is none. */
  readonly problems: string[];
  readonly columns: Columns;
  constructor(columns: Columns, readonly of: number, readonly versusHead = '') {
    // Of no rows a server may send no columns. An axis without a value is none: what differs between data sets only is no axis of theirs.
    const c = (this.columns = columns.key?.length ? columns : NOTHING), further = Object.entries(c.axes ?? {}).filter(([, v]) => v.some((x) => x !== null && x !== ''));
    this.problems = [...new Set((c.problem ?? []).filter(Boolean))];
    const several = this.problems.length > 1;
    this.list = c.key.map((key, i) => {
      const p: Point = {
        index: i, key, rank: c.rank[i]!, name: c.name[i]!, short: several && c.problem?.[i] ? `${c.problem[i]}: ${c.name[i]!}` : c.name[i]!, optimizer: c.optimizer[i] ?? '', regularizer: c.regularizer[i] ?? '',
        lr: c.lr?.[i] ?? null, lambda: c.lambda?.[i] ?? null, mean: c.mean[i] ?? null, low: c.low[i] ?? null, high: c.high[i] ?? null,
        text: nice(c.text[i] || '–'), versus: nice(c.versus_text[i] ?? ''), tied: !!c.tied[i], unstable: !!c.unstable?.[i], state: c.state[i] ?? '', n: c.n[i] ?? 0,
        epochs: c.epochs[i] ?? null, problem: c.problem?.[i] ?? '', chosen: c.arm[i] ?? '', arm: '', seeds: c.seeds?.[i] ?? [],
        axes: {},
      };
      p.axes = { optimizer: p.optimizer, regularizer: p.regularizer, lr: p.lr, lambda: p.lambda, ...Object.fromEntries(further.map(([n, v]) => [n, v[i] ?? null])) };
      this.byKey.set(key, p);
      return p;
    });
    if (several) for (const p of this.list) p.axes[DATA_SET] = p.problem;
    this.best = this.list.find((p) => p.rank === 1) ?? this.list[0];
    this.axes = Object.keys(this.list[0]?.axes ?? {}).filter((a) => {
      const values = new Set(this.list.map((p) => p.axes[a]));
      if (a === 'regularizer') values.delete(''); // without a penalty there is none: the axis of λ says so
      return values.size > 1;
    });
  }
}

/** No points. */
export const NONE = new Points(NOTHING, 0);

/** Names the arm of each point. The answer lists the ranks of an arm's points, of each problem. */
export function nameArms(points: Points, a: Answer): void {
  const parts = a.problems?.length ? a.problems.map((p) => [p.problem ?? '', p.arms ?? []] as const) : [['', a.arms ?? []] as const];
  const at = new Map<string, string>();
  for (const [problem, arms] of parts) for (const arm of arms) for (const rank of arm.points ?? []) at.set(problem + '\n' + rank, arm.name);
  for (const p of points.list) p.arm = at.get((a.problems?.length ? p.problem : '') + '\n' + p.rank) ?? p.chosen ?? p.optimizer;
}

export const armsOf = (a: Answer | null): Arm[] => (a?.arms?.length ? a.arms : a?.problems?.flatMap((p) => p.arms ?? []) ?? []);

/** The colour of each arm: one hue a name, by its name's place in the sweep file, never by rank; the baseline has none. */
export function armColours(a: Answer | null, hues: Record<string, number>): Map<string, string> {
  const out = new Map<string, string>(), arms = armsOf(a);
  let next = 0;
  for (const name of [...new Set(arms.map((x) => x.name))].sort()) {
    const base = arms.some((x) => x.name === name && x.baseline), hue = hues[name] ?? (base ? -1 : next++);
    out.set(name, hue < 0 ? 'var(--base)' : hue < 6 ? `var(--arm${hue})` : 'var(--muted)');
  }
  return out;
}

/** The hues that the server gave to arms, as its own table of them has them. */
export function huesOnPage(root: ParentNode): Record<string, number> {
  const out: Record<string, number> = {};
  for (const row of root.querySelectorAll('.arms tbody tr')) {
    const name = row.querySelector('.nm b')?.textContent, hue = /\bh([0-5bg])\b/.exec(row.getAttribute('class') ?? '')?.[1];
    if (name && hue) out[name] = hue === 'b' ? -1 : hue === 'g' ? 9 : Number(hue);
  }
  return out;
}
