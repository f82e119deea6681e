// The expression of a box that was drawn over a map.

import { settingText } from './scales.ts';

export interface Placed { [axis: string]: number | string | null | undefined }

const isNumber = (v: unknown): v is number => typeof v === 'number';

/** A name as the expression language reads it. */
export const named = (axis: string): string => (/^[A-Za-z_][\w.]*$/.test(axis) ? axis : '`' + axis + '`');
const text = (v: string): string => (v.includes("'") ? `"${v}"` : `'${v}'`);

/**
 * A short number between two neighbours. What a table shows of 10^-1.5 is 3.162e-2, which is less than the value: <= would lose
 * the neighbour that it names. A limit between neighbours cannot.
 */
export function between(low: number, high: number): string {
  const middle = low > 0 ? Math.sqrt(low * high) : high < 0 ? -Math.sqrt(low * high) : (low + high) / 2;
  for (let digits = 1; digits <= 17; digits++) {
    const v = Number(middle.toPrecision(digits));
    if (v > low && v < high) return String(v).replace('e+', 'e');
  }
  return String(high);
}

/** An expression that holds for the points inside, and for no other one of its map, in the axes that vary over the map. */
export function boxExpression(map: readonly Placed[], inside: readonly Placed[], axes: readonly string[]): string {
  const parts: string[] = [];
  for (const axis of axes) {
    const all = [...new Set(map.map((p) => p[axis]))], mine = new Set(inside.map((p) => p[axis]));
    // Without a penalty a point has no regularizer: that is λ = 0, which the axis of λ says.
    if (all.filter((v) => v !== '' && v != null).length < 2 || mine.size === 0 || mine.size === all.length) continue;
    const name = named(axis);
    if (all.every(isNumber)) {
      const numbers = (all as number[]).sort((a, b) => a - b);
      const first = numbers.findIndex((v) => mine.has(v)), last = numbers.length - 1 - [...numbers].reverse().findIndex((v) => mine.has(v));
      if (first === last) { parts.push(`${name} == ${settingText(numbers[first]!)}`); continue; }
      if (first > 0) parts.push(`${name} > ${between(numbers[first - 1]!, numbers[first]!)}`);
      if (last < numbers.length - 1) parts.push(`${name} < ${between(numbers[last]!, numbers[last + 1]!)}`);
    } else {
      const values = all.filter((v) => mine.has(v) && v != null).map((v) => (isNumber(v) ? String(v) : text(String(v))));
      if (values.length) parts.push(values.length === 1 ? `${name} == ${values[0]}` : `${name} in [${values.join(', ')}]`);
    }
  }
  return parts.join(' and ');
}
