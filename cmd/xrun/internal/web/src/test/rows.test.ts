import assert from 'node:assert/strict';
import test from 'node:test';
import { inView } from '../rows.ts';

test('the rows in view and their neighbours are drawn, and heights add up', () => {
  for (const top of [-500, 0, 28 * 100, 28 * 9_995, 28 * 20_000]) {
    const w = inView(10_000, 28, top, 900);
    assert.ok(w.last - w.first <= 900 / 28 + 26 && w.first >= 0 && w.last <= 10_000);
    assert.equal(w.above + w.below + (w.last - w.first) * 28, 28 * 10_000);
  }
  const w = inView(10_000, 28, 28 * 100, 280, 0);
  assert.deepEqual([w.first, w.last], [100, 110]);
  assert.deepEqual(inView(0, 28, 0, 900), { first: 0, last: 0, above: 0, below: 0 });
});
