// Commands that give what a page shows, as they are typed.
import { QUESTION, type State } from './state.ts';

/** A word as a POSIX shell reads it. The expression language quotes texts by ', so " is preferred around it. */
export function quote(word: string): string {
  if (/^[\w.,:=@%+/-]+$/.test(word)) return word;
  if (!/["$`\\!]/.test(word)) return `"${word}"`;
  return `'${word.replace(/'/g, `'\\''`)}'`;
}

const flags = (s: State): string[] => QUESTION.flatMap((name) => { const v = s.question[name]; return v ? ['--' + name, quote(v)] : []; });

/**
 * The command of a page. `given` is the server's command for the same question, `xrun compare …`, which also says where the database
 * is; without it the names of the URL do.
 */
export function command(s: State, given: string | undefined, extra: { runs?: readonly (number | string)[]; sweep?: string; curves?: { metric: string; of: readonly string[] } | undefined; problem?: string | undefined } = {}): string {
  const v = s.view, asks = Object.keys(s.question).length > 0;
  const rest = given?.startsWith('xrun compare') ? given.slice('xrun compare'.length).trim() : '';
  const names = (s.sweep.length ? s.sweep : extra.sweep ? [extra.sweep] : []).map(quote);
  const store = /(?:^| )(--store (?:"[^"]*"|'[^']*'|\S+))/.exec(rest)?.[1] ?? '';
  // Of commands that take no question only the names and the database are passed on.
  const whole = rest || [...names, ...flags(s)].join(' '), plain = rest && !asks ? rest : [...names, store].filter(Boolean).join(' ');
  const where = v.where.trim() ? '--where ' + quote(v.where.trim()) : '';
  // A figure shows one data set; of points, it shows those that match.
  const condition = [v.where.trim(), extra.problem ? `dataset == '${extra.problem}'` : ''].filter(Boolean), one = extra.problem ? '--where ' + quote(condition[condition.length - 1]!) : '', chosen = condition.length ? '--where ' + quote(condition.length > 1 ? `(${condition[0]}) and ${condition[1]}` : condition[0]!) : '';
  const line = (...words: string[]) => ['xrun', ...words].filter(Boolean).join(' ');
  switch (s.page) {
    case 'sweeps': return line('db info', store);
    case 'table': return line('compare', whole, '--all', where, v.sort && v.sort !== 'rank' ? (v.sort.startsWith('-') ? '--sort=' : '--sort ') + quote(v.sort) : '');
    case 'map': return line('compare', whole, v.columns && v.rows ? '--heatmap ' + quote(`${v.columns},${v.rows}`) : '');
    case 'curves': { // another metric, or points that no arm has chosen: each is named by an expression
      const c = extra.curves;
      if (!c) return line('plot curves', whole, one);
      return line('plot curves', c.metric ? whole.replace(/--metric (?:"[^"]*"|'[^']*'|\S+) ?/, '').trim() : whole, c.metric ? '--metric ' + quote(c.metric) : '', `--top ${c.of.length}`, '--where ' + quote(c.of.length > 1 ? c.of.map((e) => `(${e})`).join(' or ') : c.of[0]!));
    }
    case 'setting': case 'run': return extra.runs?.length ? line('show', String(extra.runs[0]), store) : line('runs', store);
    case 'diff': return line('diff', ...(extra.runs ?? []).map(String), store);
    case 'explore': return line('plot parallel', whole, chosen, '-o parallel.svg');
    case 'sensitivity': return line('plot sensitivity', whole, one);
    case 'profile': return line('plot profile', whole, '-o profile.svg');
    case 'many': return line('plot ranks', whole);
    case 'confirm': return line('confirm', plain, '--top 3 --seeds 10');
    case 'refine': return line('refine', plain);
    case 'database': return v.q ? line('sql', quote(v.q), store) : line('sql', store);
    default: return line('compare', whole);
  }
}
