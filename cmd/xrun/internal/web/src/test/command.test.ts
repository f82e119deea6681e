import assert from 'node:assert/strict';
import test from 'node:test';
import { command, quote } from '../command.ts';
import { changed, parse } from '../state.ts';

test('words are quoted for a shell', () => {
  assert.deepEqual(['digits', 'lr < 0.1', "it's", 'a "b"', '$(rm x)', ''].map(quote), ['digits', '"lr < 0.1"', `"it's"`, `'a "b"'`, `'$(rm x)'`, '""']);
  assert.equal(quote(`'"`), `''\\''"'`);
});

test('each page names the command that gives the same', () => {
  const s = parse('#/table?sweep=digits&where=lr+%3C+0.1&sort=-lr&test=welch');
  assert.equal(command(s, undefined), 'xrun compare digits --test welch --all --where "lr < 0.1" --sort=-lr');
  assert.equal(command(s, 'xrun compare digits --test welch --store "my runs.db"'), 'xrun compare digits --test welch --store "my runs.db" --all --where "lr < 0.1" --sort=-lr');
  assert.equal(command(changed(s, { page: 'confirm' }), 'xrun compare digits --test welch --store "my runs.db"'), 'xrun confirm digits --store "my runs.db" --top 3 --seeds 10');
  assert.equal(command(changed(s, { page: 'map', columns: 'lr', rows: 'batch' }), undefined), 'xrun compare digits --test welch --heatmap lr,batch');
  assert.equal(command(changed(s, { page: 'diff' }), undefined, { runs: [3, 17] }), 'xrun diff 3 17');
  assert.equal(command(changed(s, { page: 'curves' }), undefined), 'xrun plot curves digits --test welch');
  assert.equal(command(changed(s, { page: 'curves' }), 'xrun compare digits --metric val_loss', { curves: { metric: 'J', of: ['lr == 0.1', 'lr == 1'] } }), 'xrun plot curves digits --metric J --top 2 --where "(lr == 0.1) or (lr == 1)"');
  assert.equal(command(changed(s, { page: 'curves' }), undefined, { problem: 'wine' }), `xrun plot curves digits --test welch --where "dataset == 'wine'"`);
  assert.equal(command(changed(s, { page: 'explore' }), undefined, { problem: 'wine' }), `xrun plot parallel digits --test welch --where "(lr < 0.1) and dataset == 'wine'" -o parallel.svg`);
  assert.equal(command(changed(s, { page: 'database', q: 'SELECT 1' }), undefined), 'xrun sql "SELECT 1"');
});
