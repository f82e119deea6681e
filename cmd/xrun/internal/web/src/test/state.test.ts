import assert from 'node:assert/strict';
import test from 'node:test';
import { asked, changed, parse, print } from '../state.ts';

test('an address goes round', () => {
  const hash = '#/table?sweep=digits&pin=adam:1,sgd:2&metric=val_loss&where=lr+%3C+0.1+and+optimizer+in+%5B%27adam%27%5D&sort=-lr&theme=dark';
  const s = parse(hash);
  assert.deepEqual([s.page, s.sweep, s.pin, s.question, s.view.where, s.view.sort, s.view.theme], ['table', ['digits'], ['adam:1', 'sgd:2'], { metric: 'val_loss' }, "lr < 0.1 and optimizer in ['adam']", '-lr', 'dark']);
  assert.equal(print(s), hash);
  assert.deepEqual(parse(print(s)), s);
});

test('an empty address is the overview, and defaults are not written', () => {
  for (const hash of ['', '#', '#/', '#/overview']) assert.equal(print(parse(hash)), '#/overview');
  assert.equal(print(changed(parse(''), { show: 'half' })), '#/overview?show=half');
  assert.equal(print(changed(parse('#/overview?show=half'), { show: 'mean' })), '#/overview');
});

test('several sweeps, hostile names and a pin given twice', () => {
  const name = `a&b=c#"<img src=x onerror=alert(1)>"`, s = changed(parse('#/table?pin=x,x,,y'), { sweep: [name, 'ü/λ'] });
  assert.deepEqual(s.pin, ['x', 'y']);
  assert.deepEqual(parse(print(s)).sweep, [name, 'ü/λ']);
  assert.ok(!/[<>"]/.test(print(s)));
});

test('what one page alone shows is not carried to another', () => {
  const s = parse('#/setting?of=k&where=lr+%3C+1');
  assert.equal(print(changed(s, { page: 'table' })), '#/table?where=lr+%3C+1');
  assert.equal(print(s), '#/setting?where=lr+%3C+1&of=k');
});

test('a request asks the question, and not what a page shows', () => {
  assert.deepEqual(asked(parse('#/map?sweep=a&sweep=b&test=welch&where=lr+%3C+1&show=half&pin=x')), [['sweep', 'a'], ['sweep', 'b'], ['test', 'welch']]);
});
