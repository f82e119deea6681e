// Scales from values to pixels, and their ticks. They place numbers that the server computed; they compute none.

export interface Scale {
  (value: number): number;
  readonly from: number;
  readonly to: number;
  readonly log: boolean;
  /** The value at a pixel. */
  back(pixel: number): number;
}

export function scale(log: boolean, from: number, to: number, start: number, end: number): Scale {
  if (log && !(from > 0)) throw new RangeError(`a logarithmic axis cannot begin at ${from}`);
  const f = log ? Math.log : (v: number) => v;
  const a = f(from), width = f(to) - a || 1;
  const at = (v: number) => start + ((f(log ? Math.max(v, Number.MIN_VALUE) : v) - a) / width) * (end - start);
  const back = (p: number) => { const v = a + ((p - start) / (end - start || 1)) * width; return log ? Math.exp(v) : v; };
  return Object.assign(at, { from, to, log, back });
}

/** The least and the greatest finite number; Math.min(...values) has a limit of arguments. */
export function extent(values: Iterable<number | null | undefined>): [number, number] {
  let low = Infinity, high = -Infinity;
  for (const v of values) if (v != null && Number.isFinite(v)) { if (v < low) low = v; if (v > high) high = v; }
  return [low, high];
}

/** At most about `most` round numbers from `from` to `to`. */
export function linearTicks(from: number, to: number, most: number): number[] {
  const step = (to - from) / Math.max(1, most);
  if (!(step > 0) || !isFinite(step)) return [from];
  const power = 10 ** Math.floor(Math.log10(step));
  const round = ([1, 2, 5, 10].find((k) => k * power >= step * (1 - 1e-9)) ?? 10) * power;
  const out: number[] = [];
  for (let i = Math.ceil(from / round - 1e-9); i * round <= to + 1e-9 * round; i++) out.push(Number((i * round).toPrecision(12)));
  return out;
}

/** Decades, and steps within them while there are few enough. */
export function logTicks(from: number, to: number, most: number): number[] {
  const within = [[1, 1.5, 2, 3, 4, 5, 7], [1, 2, 3, 5], [1, 2, 5], [1, 3], [1]];
  const first = Math.floor(Math.log10(from)), last = Math.ceil(Math.log10(to));
  const all = (steps: readonly number[], every = 1) => {
    const out: number[] = [];
    for (let e = first; e <= last; e++) {
      if ((e - first) % every) continue;
      for (const m of steps) { const v = Number((m * 10 ** e).toPrecision(6)); if (v >= from * 0.9999 && v <= to * 1.0001) out.push(v); }
    }
    return out;
  };
  for (const steps of within) { const ticks = all(steps); if (ticks.length <= most) return ticks.length > 1 ? ticks : linearTicks(from, to, Math.min(most, 4)).filter((v) => v > 0); }
  for (let every = 2; ; every++) { const ticks = all([1], every); if (ticks.length <= most || ticks.length < 3) return ticks; }
}

export const ticks = (s: Scale, most: number): number[] => (s.log ? logTicks(s.from, s.to, most) : linearTicks(s.from, s.to, most));

/** A number on an axis: as a table writes a setting, so that it can be pasted. */
export function tickText(v: number): string {
  if (v === 0) return '0';
  const size = Math.abs(v);
  if (size >= 0.01 && size < 1e4) return String(Number(v.toPrecision(4)));
  return v.toExponential(3).replace(/\.?0+e/, 'e').replace('e+', 'e');
}

/** A value of a setting, as tables write it, so that it can be pasted into an expression. */
export function settingText(v: number): string {
  return v !== 0 && Math.abs(v) >= 0.01 && Math.abs(v) < 0.1 ? v.toExponential(3).replace(/\.?0+e/, 'e') : tickText(v);
}

/** Moves labels apart to `gap`, within from and to, each as little as can be; their order stays. */
export function apart(at: readonly number[], gap: number, from: number, to: number): number[] {
  const order = at.map((_, i) => i).sort((i, j) => at[i]! - at[j]!);
  // Blocks of labels that touch, each with the mean of where its labels want to begin.
  const blocks: { sum: number; n: number }[] = [];
  const start = (b: { sum: number; n: number }) => Math.max(from, Math.min(to - (b.n - 1) * gap, b.sum / b.n));
  for (const i of order) {
    let block = { sum: at[i]!, n: 1 };
    for (let last = blocks.at(-1); last && start(block) < start(last) + last.n * gap; last = blocks.at(-1)) {
      block = { sum: last.sum + block.sum - block.n * last.n * gap, n: last.n + block.n };
      blocks.pop();
    }
    blocks.push(block);
  }
  const out = new Array<number>(at.length);
  let k = 0;
  for (const b of blocks) for (let j = 0; j < b.n; j++) out[order[k++]!] = start(b) + j * gap;
  return out;
}
