/** Copies a text; false where the browser refuses. A page by plain http elsewhere than on this machine has no clipboard. */
export async function copyText(text: string): Promise<boolean> {
  try { if (navigator.clipboard) { await navigator.clipboard.writeText(text); return true; } } catch { /* by hand, below */ }
  const box = document.createElement('textarea');
  box.value = text;
  box.className = 'vh';
  document.body.append(box);
  const focused = document.activeElement as HTMLElement | null;
  box.select();
  let ok = false;
  try { ok = document.execCommand('copy'); } catch { /* refused */ }
  box.remove();
  focused?.focus?.();
  return ok;
}
