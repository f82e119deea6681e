import type { JSX } from 'preact';
import { ask, type ProfileAnswer, type RankingAnswer } from '../api.ts';
import { command } from '../command.ts';
import { Behind, Cmd, Context, Problem, Sec, useWidth, Waiting } from '../parts.tsx';
import { apart, linearTicks, scale, tickText, ticks } from '../scales.ts';
import { asked } from '../state.ts';
import { shared, useAsk, useShared } from '../store.ts';
import { round } from '../thin.ts';

/** Arms over several sweeps or data sets: average ranks with what cannot be told apart, and how soon each reaches a target. */
export function ManyPage(): JSX.Element {
  const s = useShared(), key = JSON.stringify(asked(s)), [ref, W] = useWidth();
  const ranks = useAsk('ranking ' + key, () => ask<RankingAnswer>('ranking', asked(s))), profile = useAsk('profile ' + key, () => ask<ProfileAnswer>('profile', asked(s)));
  const colour = (arm: string) => shared.colours.get(arm) ?? 'var(--ink)';
  return <div class="page many">
    <Context />
    <Sec first title="Ranks" small="over all problems; 1 is best"><div ref={ref}>{ranks.error ? <Problem error={ranks.error} /> : !ranks.value ? <Waiting what="ranking" /> : <Ranks a={ranks.value} width={W} colour={colour} />}</div></Sec>
    <Sec title="Time to target" small="the share of problems that an arm solves within so many times the epochs of the fastest">{profile.error ? <Problem error={profile.error} /> : !profile.value ? <Waiting what="reading curves" /> : <><Profile a={profile.value} width={W} colour={colour} /><p class="key"><Cmd text={command({ ...s, page: 'profile' }, shared.answer?.ui?.command, { sweep: shared.answer?.sweep })} /></p></>}</Sec>
  </div>;
}

const sentence = (text: string): string => text && text[0]!.toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');

function Ranks({ a, width: W, colour }: { a: RankingAnswer; width: number; colour: (arm: string) => string }): JSX.Element {
  const arms = [...a.arms].sort((p, q) => p.rank - q.rank), n = Math.max(2, arms.length), L = 8, R = W >= 700 ? 200 : 24 + 7.6 * Math.max(...arms.map((p) => p.arm.length + 5)), row = 26, top = 40, H = top + arms.length * row + 16 * a.groups.length + 12;
  const x = scale(false, 1, n, L + 4, W - R);
  return <>
    <svg width={W} height={H} role="img" aria-label={arms.map((p) => `${p.arm} ${p.rank.toFixed(2)}`).join(', ')}>
      <line x1={x(1)} x2={x(n)} y1={top - 12.5} y2={top - 12.5} class="axis" />
      {linearTicks(1, n, Math.min(10, n - 1)).map((t) => <g key={t}><line x1={x(t)} x2={x(t)} y1={top - 17} y2={top - 12} class="axis" /><text x={x(t)} y={top - 22} text-anchor="middle" class="t-m">{tickText(t)}</text></g>)}
      {arms.map((p, i) => <g key={p.arm}><line x1={x(p.rank)} x2={x(p.rank)} y1={top - 12} y2={top + i * row + 8} class="grid" /><line x1={x(p.rank)} x2={W - R + 12} y1={top + i * row + 8.5} y2={top + i * row + 8.5} class="grid" /><circle cx={x(p.rank)} cy={top + i * row + 8} r={5} fill={colour(p.arm)} stroke="var(--paper)" /><text x={W - R + 20} y={top + i * row + 12} class="t-13 t-b" style={{ fill: colour(p.arm) }}>{p.arm} <tspan class="t-m" font-weight="400">{p.rank.toFixed(2)}</tspan></text></g>)}
      {a.groups.map(([i, j], k) => { const from = a.arms[i]?.rank ?? arms[i]!.rank, to = a.arms[j]?.rank ?? arms[j]!.rank, y = top + arms.length * row + 8 + 16 * k; return <line key={k} x1={x(Math.min(from, to)) - 5} x2={x(Math.max(from, to)) + 5} y1={y} y2={y} stroke="var(--doubt)" stroke-width={3}><title>cannot be told apart</title></line>; })}
    </svg>
    <p class="key">{sentence(a.caption)}</p>
    <Behind of={() => ({ heads: ['arm', 'mean rank'], right: [false, true], rows: arms.map((p) => [p.arm, p.rank.toFixed(3)]) })} />
  </>;
}

function Profile({ a, width: W, colour }: { a: ProfileAnswer; width: number; colour: (arm: string) => string }): JSX.Element {
  const H = 300, L = 44, R = W >= 700 ? 200 : 12, B = 36, T = 10, end = Math.max(a.end ?? 0, ...a.tau.filter(isFinite), 1.5), x = scale(true, 1, end, L, W - R), y = scale(false, 0, 1, H - B, T);
  const ends = apart(a.arms.map((arm) => y(arm.height.at(-1) ?? 0)), 18, T + 6, H - B);
  return <>
    <svg width={W} height={H} role="img" aria-label={a.arms.map((p) => `${p.arm} solves ${Math.round(100 * (p.height.at(-1) ?? 0))} %`).join(', ')}>
      {[0, 0.25, 0.5, 0.75, 1].map((t) => <g key={t}><line x1={L} x2={W - R} y1={Math.round(y(t))} y2={Math.round(y(t))} class="grid" /><text x={L - 8} y={y(t) + 4} text-anchor="end" class="t-m">{100 * t} %</text></g>)}
      <line x1={L} x2={W - R} y1={H - B + 0.5} y2={H - B + 0.5} class="axis" />
      {ticks(x, 6).map((t) => <text key={t} x={x(t)} y={H - B + 18} text-anchor="middle" class="t-m">{tickText(t)}×</text>)}
      {a.arms.map((arm, i) => { let d = ''; arm.height.forEach((h, k) => { const px = x(Math.min(end, Math.max(1, a.tau[k]!))); d += k ? `H${round(px)}V${round(y(h))}` : `M${round(px)},${round(y(h))}`; }); d += `H${W - R}`; return <g key={arm.arm}><path d={d} fill="none" stroke={colour(arm.arm)} stroke-width={2.25} />{R > 100 && <text x={W - R + 12} y={ends[i]! + 4} class="t-13 t-b" style={{ fill: colour(arm.arm) }}>{arm.arm}</text>}</g>; })}
    </svg>
    {R < 100 && <ul class="ends">{a.arms.map((arm) => <li key={arm.arm}><b style={{ color: colour(arm.arm) }}>{arm.arm}</b></li>)}</ul>}
    <p class="key">{sentence(a.caption)}</p>
    <Behind of={() => ({ heads: ['arm', 'solved', 'score'], right: [false, true, true], rows: a.arms.map((p) => [p.arm, `${Math.round(100 * (p.height.at(-1) ?? 0))} %`, p.score === null ? '' : p.score.toFixed(3)]) })} />
  </>;
}
