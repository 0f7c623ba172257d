// What belongs to the whole page: light or dark before the first paint, and the keys.
(() => {
  const kept = localStorage.getItem('reelwright-theme'), dark = kept ? kept === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  const set = () => document.body?.classList.toggle('dark', dark);
  set(); document.addEventListener('DOMContentLoaded', set);
})();
document.addEventListener('keydown', e => {
  const press = id => { const found = document.querySelector('#' + id), b = found?.matches('button') ? found : found?.querySelector('button'); if (b && !found.hasAttribute('inert')) { e.preventDefault(); b.click(); return true; } };
  const typing = e.target.closest?.('input, textarea, select, [contenteditable="plaintext-only"]'), mod = e.ctrlKey || e.metaKey, key = e.key.toLowerCase();
  if (mod && e.key === 'Enter') { if (typing) document.activeElement.blur(); setTimeout(() => press('make'), typing ? 120 : 0); e.preventDefault(); }
  else if (mod && key === 's') press('save');
  else if (mod && !typing && key === 'z') press(e.shiftKey ? 'redo' : 'undo');
  else if (mod && !typing && key === 'y') press('redo');
  else if (!mod && !e.altKey && !typing && key === 'n') press('add');
  else if (e.key === 'Escape') { if (document.body.classList.contains('panel')) document.body.classList.remove('panel'); else if (typing) document.activeElement.blur(); }
});
