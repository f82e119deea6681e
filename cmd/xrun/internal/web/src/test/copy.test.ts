import assert from 'node:assert/strict';
import test from 'node:test';
import { asCSV, asLatex, asMarkdown } from '../copy.ts';

const t = { heads: ['name', 'val_loss ↓'], right: [false, true], rows: [['a|b_<i>', '0.127 ± 0.014'], ['=1+1', '−3.8 %']] };

test('Markdown, LaTeX and CSV hold names of others as text', () => {
  assert.equal(asMarkdown(t), '| name | val_loss ↓ |\n| :-- | --: |\n| a\\|b_&lt;i> | 0.127 ± 0.014 |\n| =1+1 | −3.8 % |\n');
  assert.equal(asLatex(t).split('\n')[3], 'name & val\\_loss $\\downarrow$ \\\\');
  assert.ok(asLatex(t).includes('a|b\\_$<$i$>$ & 0.127 $\\pm$ 0.014 \\\\'));
  assert.equal(asCSV(t), "name,val_loss ↓\na|b_<i>,0.127 ± 0.014\n'=1+1,-3.8 %\n");
  assert.equal(asCSV({ heads: ['a,"b"'], right: [false], rows: [['x\ny']] }), '"a,""b"""\n"x\ny"\n');
});
