import assert from 'node:assert/strict';
import test from 'node:test';
import { between, boxExpression, named } from '../box.ts';

const grid = (lr: number[], lambda: (number | string)[]) => lr.flatMap((a) => lambda.map((b) => ({ lr: a, lambda: b, optimizer: 'adam' })));
const lrs = [1e-3, 10 ** -2.5, 1e-2, 10 ** -1.5, 0.1], all = grid(lrs, [0, 0.1, 1]);

test('a box is the values between its neighbours', () => {
  const inside = all.filter((p) => p.lr >= 3e-3 && p.lr <= 4e-2 && (p.lambda as number) >= 0.1);
  const text = boxExpression(all, inside, ['lr', 'lambda', 'optimizer']);
  assert.equal(text, 'lr > 0.002 and lr < 0.06 and lambda > 0.05');
  const f = new Function('lr', 'lambda', 'return ' + text.replaceAll(' and ', ' && ')) as (a: number, b: number) => boolean;
  for (const p of all) assert.equal(f(p.lr, p.lambda as number), inside.includes(p), JSON.stringify(p));
});

test('one value, words, the whole map', () => {
  assert.equal(boxExpression(all, all.filter((p) => p.lr === 0.1), ['lr', 'lambda']), 'lr == 0.1');
  assert.equal(boxExpression(all, all, ['lr', 'lambda']), '');
  assert.equal(boxExpression(all, [], ['lr', 'lambda']), '');
  const words = [{ kind: 'a' }, { kind: "it's" }, { kind: 'b' }];
  assert.equal(boxExpression(words, words.slice(0, 2), ['kind']), `kind in ['a', "it's"]`);
  assert.equal(boxExpression(words, words.slice(2), ['kind']), `kind == 'b'`);
});

test('no regularizer where λ is 0 is no value of its own', () => {
  const map = [0, 1, 10].map((lambda) => ({ lambda, regularizer: lambda ? 'l2' : '' }));
  assert.equal(boxExpression(map, map.slice(1), ['regularizer', 'lambda']), 'lambda > 0.5');
});

test('a limit lies strictly between its neighbours', () => {
  for (const [a, b] of [[0, 0.1], [0.1, 1], [1, 1.0001], [-2, -1], [-1, 1], [1e-9, 3e-9]] as const) { const v = Number(between(a, b)); assert.ok(v > a && v < b, `${a} ${v} ${b}`); }
});

test('names that the language does not read bare are quoted', () => {
  assert.deepEqual(['lr', 'optimizer.beta1', 'a-b', 'λ'].map(named), ['lr', 'optimizer.beta1', '`a-b`', '`λ`']);
});
