import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ask, live, type MapsAnswer, type OneMap } from '../api.ts';
import { ramp } from '../ramp.ts';
import { Behind, Context, Opts, Pick, Problem, scope, Sec, useWidth, Waiting } from '../parts.tsx';
import { asked } from '../state.ts';
import { go, shared, useAsk, useShared } from '../store.ts';

const SHOWS = [['mean', 'mean'], ['half', '± half-width'], ['epochs', 'epochs'], ['spread', 'spread'], ['p', 'p']] as const;

export function MapPage(): JSX.Element {
  const s = useShared(), v = s.view, [ref, W] = useWidth(), [first, setFirst] = useState(0);
  const got = useAsk(JSON.stringify([v.show, v.columns, v.rows, asked(s)]), () => ask<MapsAnswer>('maps', [...asked(s), ['show', v.show === 'mean' ? '' : v.show], ['columns', v.columns], ['rows', v.rows]]));
  const a = got.value, axes = a?.axes ?? shared.answer?.ui?.axes ?? ['lr', 'lambda', ...(shared.points?.axes.filter((x) => x !== 'lr' && x !== 'lambda') ?? [])];
  // As many maps as can be drawn at once; the others are chosen from a list.
  const maps = a?.maps ?? [], each = Math.max(1, ...maps.map((m) => m.cells.length * (m.cells[0]?.length ?? 0))), most = Math.max(1, Math.min(9, Math.floor(1200 / each))), at = Math.min(first, Math.max(0, maps.length - 1)), shown = maps.slice(at, at + most);
  const groups = Array.from({ length: Math.ceil(maps.length / most) }, (_, i) => `${most * i + 1}: ${maps.slice(most * i, most * i + most).map((m) => m.title).join(', ')}`);
  // Each data set has a scale of its own: losses of two have nothing in common.
  const problems = [...new Set(shown.map((m) => m.problem ?? ''))];
  return <div class="page map">
    <Context />
    <Sec first title="Map" small={shared.points ? scope(shared.matching ? shared.matching.size : shared.points.of, shared.points.of) : undefined}>
      <div class="choices">
        <Opts label="show" value={v.show} of={SHOWS} set={(show) => go({ show })} />
        {live && axes.length > 1 && a && maps[0] && <>
          <Pick label="across" value={v.columns || axisOf(maps[0].columns)} of={axes} set={(columns) => go({ columns, rows: columns === (v.rows || axisOf(maps[0]!.rows)) ? v.columns || axisOf(maps[0]!.columns) : v.rows || axisOf(maps[0]!.rows) })} />
          <Pick label="up" value={v.rows || axisOf(maps[0].rows)} of={axes} set={(rows) => go({ rows, columns: rows === (v.columns || axisOf(maps[0]!.columns)) ? v.rows || axisOf(maps[0]!.rows) : v.columns || axisOf(maps[0]!.columns) })} />
        </>}
        {maps.length > most && <Pick label="maps" value={groups[Math.floor(at / most)]!} of={groups} set={(t) => setFirst(most * Math.max(0, groups.indexOf(t)))} />}
      </div>
      <div ref={ref}>
        {got.error ? <Problem error={got.error} /> : !a ? <Waiting what="drawing maps" /> : !maps.length ? <p class="second">There is no map: fewer than two axes vary.</p> : <>
          {problems.map((problem, i) => <div key={problem}>
            {problem && <h2 class="dataset">{problem}</h2>}
            <Maps maps={shown.filter((m) => (m.problem ?? '') === problem)} answer={a} width={W} show={v.show} last={i === problems.length - 1} />
          </div>)}
          {maps.length > shown.length && <p class="key">{shown.length} of {maps.length} maps shown.</p>}
          <Behind of={() => ({ heads: [...(problems.length > 1 ? ['data set'] : []), 'map', label(maps[0]!.columns.name), label(maps[0]!.rows.name), maps[0]!.what], right: [...(problems.length > 1 ? [false] : []), false, true, true, true], rows: shown.flatMap((m) => cellsOf(m).map((c) => [...(problems.length > 1 ? [m.problem ?? ''] : []), m.title, m.columns.text[c.column] ?? '', m.rows.text[c.row] ?? '', c.state || c.text])) })} />
        </>}
      </div>
      <p class="key">{live ? 'Drag over a map to take a box: its expression becomes the filter of every page. ' : ''}Click pins a cell, Enter opens its point.</p>
    </Sec>
  </div>;
}

interface At { key: string; column: number; row: number; text: string; level: number; beyond: boolean; state: string }
const cellsOf = (m: OneMap): At[] => m.cells.flatMap((keys, row) => keys.flatMap((key, column) => (key ? [{ key, column, row, text: m.text[row]?.[column] ?? '', level: m.level[row]?.[column] ?? -1, beyond: !!m.beyond[row]?.[column], state: m.state[row]?.[column] ?? '' }] : [])));
/** How many colours the server tells apart. */
const LEVELS = 64;
/** An axis by the name that the language reads: maps write lambda as λ. */
const axisOf = (t: { name: string }): string => (t.name === 'λ' ? 'lambda' : t.name);
const label = (name: string): string => (name === 'lambda' ? 'λ' : name);

export function Maps({ maps, answer: a, width: W, show, last }: { maps: readonly OneMap[]; answer: MapsAnswer; width: number; show: string; last: boolean }): JSX.Element {
  const dark = document.documentElement.dataset.theme === 'dark', points = shared.points, all = maps.map(cellsOf);
  const ends = maps[0]?.clip ?? a.clip, what = maps[0]?.what ?? '';
  const most = Math.max(...maps.map((m) => m.columns.text.length)), gut = Math.max(44, 14 + 6.5 * Math.max(...maps.flatMap((m) => m.rows.text.map((t) => t.length)))), gap = 28, n = Math.min(maps.length, 3);
  // Digits keep their size, and a cell has room for its own.
  const letters = Math.max(5, ...all.flat().map((c) => c.text.length)), least = Math.max(34, Math.ceil(6.3 * letters) + 4);
  const fits = (k: number) => (W - gut * k - gap * (k - 1)) / (k * most);
  const per = fits(n) >= least ? n : fits(2) >= least && maps.length > 1 ? 2 : 1, cw = Math.min(Math.max(64, least), Math.max(24, fits(per))), ch = Math.max(30, Math.min(36, cw * 0.8)), br = 10;
  // The best stands beside the title, or below it where they would touch in any map.
  const bestOf = (m: OneMap) => (m.best ? points?.byKey.get(m.best) : undefined), titleWidth = (m: OneMap) => 7.6 * m.title.length, bestWidth = (m: OneMap) => 6.4 * (5 + (bestOf(m)?.text.length ?? -5));
  const below = maps.some((m) => bestOf(m) && titleWidth(m) + bestWidth(m) + 16 > m.columns.text.length * cw), top = below ? 42 : 26;
  let zero = true; // the first cell of the first map takes the tab stop, unless the best stands in it
  return <>
    <div class="maps drawn">{maps.map((m, k) => {
      const cells = all[k]!, cols = m.columns.text, rows = m.rows.text, zx = m.columns.number.indexOf(0), zy = m.rows.number.indexOf(0);
      const splitX = !!m.columns.zero_apart && zx >= 0, splitY = !!m.rows.zero_apart && zy >= 0, up = m.rows.number.every((v) => v !== null);
      const X = (i: number) => gut + i * cw + (splitX && i > zx ? br : 0), wide = gut + cols.length * cw + (splitX ? br : 0);
      const own = bestOf(m), w = Math.max(wide, gut + titleWidth(m), gut + bestWidth(m));
      // Numbers grow upwards, as on any axis; words are read from the top.
      const Y = (i: number) => top + (up ? rows.length - 1 - i : i) * ch + (splitY && (up ? i <= zy : i > zy) ? br : 0), H = rows.length * ch + (splitY ? br : 0), y1 = top + H;
      const bestCell = cells.find((c) => c.key === m.best), tabbed = bestCell?.key ?? cells[0]?.key;
      return <svg key={m.title + k} class="map" width={w} height={y1 + 28} role="grid" aria-label={`${m.title}${m.problem ? `, ${m.problem}` : ''}: ${m.what} over ${label(m.columns.name)} and ${label(m.rows.name)}${own ? `; best ${own.text}` : ''}`}>
        {k === 0 && <defs><pattern id="hatch" width={6} height={6} patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width={6} height={6} fill="var(--paper)" /><line x1={0} x2={0} y1={0} y2={6} stroke="var(--hatch)" stroke-width={3} /></pattern></defs>}
        <text x={gut} y={12} class="t-b t-13">{m.title}</text>
        {own && <text x={below ? gut : w} y={below ? 28 : 12} text-anchor={below ? 'start' : 'end'} class="t-m">best {own.text}</text>}
        <text x={0} y={y1 + 19} class="t-m">{label(m.columns.name)} →</text>
        <text x={0} y={12} class="t-m">{label(m.rows.name)}{up ? ' ↑' : ''}</text>
        {rows.map((t, i) => <text key={i} x={gut - 8} y={Y(i) + ch / 2 + 4} text-anchor="end" class={bestCell?.row === i ? 't-b' : 't-m'}>{t}</text>)}
        {splitY && <path d={`M${gut - 14},${Y(zy) - br / 2 + 2}l5,-4m1,4l5,-4`} stroke="var(--faint)" fill="none" />}
        {splitX && <path d={`M${X(zx) + cw + br / 2 - 4},${y1 + 5}l4,-8m0,8l4,-8`} stroke="var(--faint)" fill="none" />}
        {cols.map((t, i) => {
          const x = X(i) + cw / 2, mine = bestCell?.column === i, n = m.columns.number[i] ?? null, e = n !== null && n > 0 ? Math.log10(n) : 0.5, decade = n === 0 || Math.abs(e - Math.round(e)) < 0.01 || cols.length < 6;
          const clash = !mine && bestCell && Math.abs(x - X(bestCell.column) - cw / 2) < 3.4 * (t.length + (cols[bestCell.column]?.length ?? 0)) + 3;
          return <g key={i}><line x1={Math.round(x)} x2={Math.round(x)} y1={y1 + 1} y2={y1 + (decade || mine ? 6 : 4)} class="axis" />{(mine || (decade && !clash)) && <text x={x} y={y1 + 19} text-anchor="middle" class={mine ? 't-b' : 't-m'}>{t}</text>}</g>;
        })}
        {rows.map((_, i) => <g key={i} role="row">{cells.filter((c) => c.row === i).map((c) => {
            const p = points?.byKey.get(c.key), state = c.state, ink = c.level < 0 ? null : ramp(c.level / (LEVELS - 1), dark), x = X(c.column), y = Y(c.row);
            const stop = zero && c.key === tabbed;
            if (stop) zero = false;
            const text = c.text, bad = state === 'diverged' ? 'diverged' : state === 'failed' ? 'failed' : '';
            return <g key={c.key} class={`cell${ink ? '' : bad === 'diverged' ? ' div' : ' not'}`} role="gridcell" tabindex={stop ? 0 : -1} data-p={c.key} aria-label={`${p?.short ?? `${m.columns.name} ${cols[c.column]}, ${m.rows.name} ${rows[c.row]}`}: ${p?.text ?? text}${text && !(p?.text ?? text).split(/[\s\u00a0]/).includes(text) ? `, shown as ${text}` : ''}${p?.rank === 1 ? ', best' : ''}${p?.tied ? ', cannot be told from the best' : ''}${state ? ', ' + state : ''}`}>
              <rect x={x + 0.5} y={y + 0.5} width={cw - 1} height={ch - 1} fill={ink?.fill} />
              {bad === 'failed' && !ink && <line x1={x + 1} x2={x + cw - 1} y1={y + ch - 1} y2={y + 1} stroke="var(--hatch)" />}
              {ink && <text x={x + cw / 2} y={y + ch / 2 + 4} text-anchor="middle" class="t-s" style={{ fill: ink.ink }} opacity={c.beyond ? 0.72 : undefined}>{text}</text>}
              {ink && c.beyond && <path d={`M${x + cw - 7},${y + 1}h6v6z`} fill={ink.ink} opacity={0.45} />}
              {ink && p?.tied && show === 'mean' && <path d={`M${x + 4},${y + 6}q1.5,-2.2 3,0t3,0m-6,3q1.5,-2.2 3,0t3,0`} fill="none" stroke={ink.ink} />}
              {ink && state === 'pruned' && <rect x={x + 2} y={y + 2} width={cw - 4} height={ch - 4} fill="none" stroke={ink.ink} stroke-dasharray="3 3" />}
            </g>;
        })}</g>)}
        {cells.map((c) => {
          const p = points?.byKey.get(c.key), x = X(c.column), y = Y(c.row);
          if (!p || !(p.rank === 1 || p.chosen)) return null;
          const best = p.rank === 1, ring = (i: number, width: number, stroke: string) => <rect x={x + i} y={y + i} width={cw - 2 * i} height={ch - 2 * i} fill="none" stroke={stroke} stroke-width={width} pointer-events="none" />;
          return <g key={'f' + c.key}>{best ? <>{ring(2, 2, 'var(--paper)')}{ring(-0.5, 3, 'var(--ink)')}</> : <>{ring(1.75, 1.5, 'var(--paper)')}{ring(0.5, 1, 'var(--ink)')}</>}</g>;
        })}
      </svg>;
    })}</div>
    <div class="legend">
      <svg width={212} height={34} aria-hidden="true">
        {Array.from({ length: 40 }, (_, i) => <rect key={i} x={i * 5} width={5.6} y={0} height={10} fill={ramp(i / 39, dark).fill} />)}
        {!!ends?.beyond && <path d="M200,0l9,5l-9,5z" fill={ramp(1, dark).fill} />}
        <rect width={200} height={10} fill="none" stroke="var(--rule)" stroke-width={0.5} />
        {ends?.texts.map((t, i, all) => <text key={i} x={all.length < 2 ? 0 : (200 * i) / (all.length - 1)} y={24} text-anchor={i === 0 ? 'start' : i === all.length - 1 ? 'end' : 'middle'} class="t-m t-s">{t}</text>)}
      </svg>
      <div class="said">{ends?.says} Shown: {what}.</div>
      {last && <ul><li><svg width={22} height={16} aria-hidden="true"><rect x={1.5} y={1.5} width={19} height={13} fill={ramp(0.1, dark).fill} stroke="var(--ink)" stroke-width={3} /><rect x={3.75} y={3.75} width={14.5} height={8.5} fill="none" stroke="var(--paper)" stroke-width={1.5} /></svg>best</li><li><svg width={22} height={16} aria-hidden="true"><rect x={1.5} y={1.5} width={19} height={13} fill={ramp(0.1, dark).fill} stroke="var(--ink)" /><rect x={3} y={3} width={16} height={10} fill="none" stroke="var(--paper)" stroke-width={1.5} /></svg>best of its arm</li>{show === 'mean' && <li><svg width={22} height={16} aria-hidden="true"><text x={6} y={13}>≈</text></svg>cannot be told from the best</li>}<li><svg width={22} height={16} aria-hidden="true"><rect x={2} y={2} width={18} height={12} class="dv" /></svg>diverged{all.flat().some((c) => c.state === 'diverged') ? '' : ': none here'}</li></ul>}
    </div>
  </>;
}
