// Lines with more values than pixels.

/**
 * The indices of the values to draw: in each pixel column the first, the least, the greatest and the last one, so that no peak is
 * lost. `at` says the pixel of an index, which never falls.
 */
export function thin(values: readonly (number | null)[], at: (i: number) => number): number[] {
  const out: number[] = [];
  let column = NaN, first = -1, low = -1, high = -1, last = -1;
  const flush = () => { if (first >= 0) for (const i of [...new Set([first, low, high, last])].sort((a, b) => a - b)) out.push(i); };
  values.forEach((v, i) => {
    if (v === null || Number.isNaN(v)) { flush(); first = -1; column = NaN; out.push(i); return; } // a gap is drawn as one
    const c = Math.floor(at(i));
    if (c !== column) { flush(); column = c; first = low = high = last = i; return; }
    last = i;
    if (v < values[low]!) low = i;
    if (v > values[high]!) high = i;
  });
  flush();
  return out;
}

/** The path of a line through values, with gaps where there are none. */
export function path(values: readonly (number | null)[], x: (i: number) => number, y: (v: number) => number): string {
  let d = '', pen = 'M';
  for (const i of values.length > 600 ? thin(values, x) : values.keys()) {
    const v = values[i];
    if (v == null || Number.isNaN(v)) { pen = 'M'; continue; }
    d += pen + round(x(i)) + ',' + round(y(v));
    pen = 'L';
  }
  return d;
}

export const round = (v: number): string => String(Math.round(v * 10) / 10);

/** A moving mean over 2·half + 1 values, fewer at the ends; what stands before `first`, the value before training, stays alone. Only what is asked for is smoothed, and the raw line stays. */
export function smoothed(values: readonly (number | null)[], half: number, first = 0): (number | null)[] {
  return values.map((v, i) => {
    if (v === null) return null;
    if (i < first) return v;
    let sum = 0, n = 0;
    for (let j = Math.max(first, i - half); j <= Math.min(values.length - 1, i + half); j++) { const w = values[j]; if (w != null && isFinite(w)) { sum += w; n++; } }
    return n ? sum / n : v;
  });
}
