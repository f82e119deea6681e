// A table as text, for papers and sheets. Cells hold what the page shows.

export interface Shown { heads: readonly string[]; right: readonly boolean[]; rows: readonly (readonly string[])[] }

const markdown = (s: string) => s.replace(/\\/g, '\\\\').replace(/\|/g, '\\|').replace(/[\r\n]+/g, ' ').replace(/</g, '&lt;');
const latexSigns: Record<string, string> = { '\\': '\\textbackslash{}', '{': '\\{', '}': '\\}', '&': '\\&', '%': '\\%', $: '\\$', '#': '\\#', _: '\\_', '~': '\\textasciitilde{}', '^': '\\textasciicircum{}', '±': '$\\pm$', λ: '$\\lambda$', '≈': '$\\approx$', '−': '$-$', '–': '--', '↓': '$\\downarrow$', '↑': '$\\uparrow$', '×': '$\\times$', '<': '$<$', '>': '$>$', '\u00a0': '~' };
const latex = (s: string) => s.replace(/[\\{}&%$#_~^±λ≈−–↓↑×<>\u00a0]/g, (c) => latexSigns[c]!).replace(/[\r\n]+/g, ' ');
/** A text that a spreadsheet would compute gets a ' before it; numbers, also negative ones, stay numbers. */
const csv = (s: string) => {
  const plain = s.replace(/\u2212/g, '-').replace(/\u00a0/g, ' ');
  const safe = /^[=+\-@\t\r]/.test(plain) && !/^[+-]?[\d.]/.test(plain) ? "'" + plain : plain;
  return /[",\r\n]/.test(safe) ? '"' + safe.replace(/"/g, '""') + '"' : safe;
};

export function asMarkdown(t: Shown): string {
  const line = (cells: readonly string[]) => '| ' + cells.join(' | ') + ' |\n';
  return line(t.heads.map(markdown)) + line(t.right.map((r) => (r ? '--:' : ':--'))) + t.rows.map((r) => line(r.map(markdown))).join('');
}

export function asLatex(t: Shown): string {
  const line = (cells: readonly string[]) => cells.map(latex).join(' & ') + ' \\\\\n';
  return `% needs \\usepackage{booktabs}\n\\begin{tabular}{${t.right.map((r) => (r ? 'r' : 'l')).join('')}}\n\\toprule\n${line(t.heads)}\\midrule\n${t.rows.map(line).join('')}\\bottomrule\n\\end{tabular}\n`;
}

export const asCSV = (t: Shown): string => [t.heads, ...t.rows].map((r) => r.map(csv).join(',') + '\n').join('');
