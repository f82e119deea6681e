// The rows of a long table that are in view.

export interface Window { first: number; last: number; above: number; below: number }

/** Rows of one height in a list whose top is `top` pixels above the view's, some more on either side. last is exclusive. */
export function inView(rows: number, height: number, top: number, view: number, more = 12): Window {
  const first = Math.max(0, Math.min(rows, Math.floor(top / height) - more));
  const last = Math.max(first, Math.min(rows, Math.ceil((top + view) / height) + more));
  return { first, last, above: first * height, below: (rows - last) * height };
}
