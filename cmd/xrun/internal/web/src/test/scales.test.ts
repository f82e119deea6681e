import assert from 'node:assert/strict';
import test from 'node:test';
import { apart, linearTicks, logTicks, scale, settingText, tickText } from '../scales.ts';
import { nice, plain } from '../nice.ts';
import { path, smoothed, thin } from '../thin.ts';

test('scales go there and back', () => {
  for (const [log, from, to] of [[false, -2, 5], [true, 1e-4, 10]] as const) {
    const s = scale(log, from, to, 300, 20);
    assert.equal(s(from), 300);
    assert.equal(s(to), 20);
    for (const v of [from, (from + to) / 2 > 0 ? (from + to) / 2 : 1, to]) assert.ok(Math.abs(s.back(s(v)) - v) < 1e-9 * Math.max(1, Math.abs(v)));
  }
  assert.throws(() => scale(true, 0, 1, 0, 1));
  assert.ok(isFinite(scale(true, 1, 10, 0, 100)(0)), 'a value that a log axis lacks still has a place');
});

test('ticks are round and within', () => {
  assert.deepEqual(linearTicks(0, 50, 5), [0, 10, 20, 30, 40, 50]);
  assert.deepEqual(linearTicks(0.118, 0.141, 4), [0.12, 0.13, 0.14]);
  assert.deepEqual(linearTicks(3, 3, 4), [3]);
  assert.deepEqual(logTicks(0.1, 0.431, 7), [0.1, 0.15, 0.2, 0.3, 0.4]);
  assert.deepEqual(logTicks(1e-3, 1, 5), [0.001, 0.01, 0.1, 1]);
  assert.ok(logTicks(1e-30, 1, 6).length <= 7);
});

test('numbers on axes can be pasted', () => {
  assert.deepEqual([0, 0.001, 0.0316227766, 0.1, 1, 10, 1e5, 3.16227766e-5, -0.5].map(tickText), ['0', '1e-3', '0.03162', '0.1', '1', '10', '1e5', '3.162e-5', '-0.5']);
});

test('settings are written as in tables', () => {
  assert.deepEqual([0, 1e-3, 0.01, 0.03162, 0.1, 0.3162, 10 ** -2.5].map(settingText), ['0', '1e-3', '1e-2', '3.162e-2', '0.1', '0.3162', '3.162e-3']);
});

test('print writes a minus and does not part a unit from its number', () => {
  assert.equal(nice('-2.9% [-8.0, 2.6]'), '−2.9\u00a0% [−8.0, 2.6]');
  assert.equal(nice('adam lr 3.162e-2 l2 λ 1 ± 2'), 'adam lr\u00a03.162e-2 l2 λ\u00a01\u00a0±\u00a02');
  assert.equal(nice('a-b --where x'), 'a-b --where x');
  assert.equal(plain('a\u202eb\u200bc λ ± 1'), 'a\ufffdb\ufffdc λ ± 1');
});

test('labels stand apart and stay in order', () => {
  assert.deepEqual(apart([10, 100], 20, 0, 200), [10, 100]);
  const moved = apart([50, 51, 52], 20, 0, 200);
  assert.deepEqual(moved, [31, 51, 71]);
  const low = apart([198, 199, 150], 20, 0, 200);
  assert.ok(low[0]! >= 0 && low[1]! <= 200 && low[1]! - low[0]! >= 20 - 1e-9 && low[0]! - low[2]! >= 20 - 1e-9);
  assert.deepEqual(apart([], 20, 0, 100), []);
});

test('a thinned line keeps its peaks and its ends', () => {
  const n = 10_000, values = Array.from({ length: n }, (_, i) => Math.sin(i / 50));
  values[5003] = 99;
  values[7001] = -99;
  const kept = thin(values, (i) => i / 20);
  assert.ok(kept.length <= 4 * (n / 20 + 1));
  assert.ok(kept.includes(0) && kept.includes(n - 1) && kept.includes(5003) && kept.includes(7001));
  assert.deepEqual([...kept].sort((a, b) => a - b), kept);
});

test('a line has a gap where there is no value', () => {
  assert.equal(path([1, null, 2, 3], (i) => i, (v) => v), 'M0,1M2,2L3,3');
  assert.equal(path([], (i) => i, (v) => v), '');
});

test('smoothing is a moving mean, shorter at the ends', () => {
  assert.deepEqual(smoothed([0, 3, 6, 3, 0], 1), [1.5, 3, 4, 3, 1.5]);
  assert.deepEqual(smoothed([1, null, 3], 1), [1, null, 3]);
});
