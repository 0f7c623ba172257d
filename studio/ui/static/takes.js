// A scene's takes side by side: clips from several seeds, one of which is the film's. The server holds them; this draws
// them, plays them together, and sends which one is chosen. Text is set as text.
const W = window.reelwright.words;
const say = (key, with_) => (W[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => with_?.[name] ?? '');
const make = (tag, cls, ...inside) => { const e = document.createElement(tag); if (cls) e.className = cls; e.append(...inside); return e; };
const button = (cls, ...inside) => { const b = make('button', cls, ...inside); b.type = 'button'; return b; };
const icon = name => { const span = make('span', 'icon'); span.innerHTML = props.icons[name]; span.setAttribute('aria-hidden', 'true'); return span; };
const url = path => 'gradio_api/file=' + path.split('/').map(encodeURIComponent).join('/');
const still = matchMedia('(prefers-reduced-motion: reduce)');
const root = element.querySelector('.takes');
const count = make('select'); count.setAttribute('aria-label', W.takes_count);
for (let n = 2; n <= props.most; n++) { const o = make('option', '', say('takes_n', { n })); o.value = n; o.selected = n === 4; count.append(o); }
const go = button('t-go', icon('dices'), W.takes_go), play = button('t-play', icon('play'), make('span', '', W.takes_play)), large = button('t-large', make('span', '', W.takes_large));
play.setAttribute('aria-pressed', 'false'); large.setAttribute('aria-pressed', 'false');
const title = make('h3', '', W.takes_label), note = make('p', 't-note'), grid = make('div', 't-grid'), views = make('div', 't-views', play, large);
grid.setAttribute('role', 'list'); grid.setAttribute('aria-label', W.takes_label);
root.append(make('div', 't-head', title, views), make('p', 't-hint', W.takes_hint), make('div', 't-ask', count, go), note, grid);
let v = {}, slots = [], busy = false, shown = '';
const trigger_ = what => trigger('act', { row: v.row, ...what });
go.onclick = () => trigger_({ what: 'vary', count: Number(count.value) });
const videos = () => [...grid.querySelectorAll('video')];
function run(on) {
  play.setAttribute('aria-pressed', String(on)); play.lastChild.textContent = on ? W.takes_pause : W.takes_play;
  for (const one of videos()) { if (on) { one.currentTime = 0; one.play().catch(() => {}); } else one.pause(); }
}
play.onclick = () => run(play.getAttribute('aria-pressed') !== 'true');
const widen = on => { root.classList.toggle('wide', on); document.body.classList.toggle('takes-wide', on); large.setAttribute('aria-pressed', String(on)); large.firstChild.textContent = on ? W.takes_small : W.takes_large; if (!on) large.focus(); };
large.onclick = () => { const on = !root.classList.contains('wide'); widen(on); if (on && !still.matches) run(true); };
root.addEventListener('keydown', e => { if (e.key === 'Escape' && root.classList.contains('wide')) { e.stopPropagation(); widen(false); } });
grid.addEventListener('mouseover', e => { const one = e.target.closest('.t-card')?.querySelector('video'); if (one?.paused && !still.matches) { one.play().catch(() => {}); one.dataset.lent = 'yes'; } });
grid.addEventListener('mouseout', e => { const card = e.target.closest('.t-card'), one = card?.querySelector('video'); if (one?.dataset.lent && !card.contains(e.relatedTarget)) { delete one.dataset.lent; if (play.getAttribute('aria-pressed') !== 'true') one.pause(); } });
function card(one) {
  const clip = make('video'); Object.assign(clip, { muted: true, loop: true, playsInline: true, preload: 'metadata', src: url(one.clip) + '#t=0.05' });
  const seeds = one.seeds.length > 1 ? say('takes_seeds', { seeds: one.seeds.join(', ') }) : say('takes_seed', { seed: one.seeds[0] });
  clip.setAttribute('aria-label', seeds); clip.tabIndex = -1;
  const choose = button('t-choose', one.chosen ? W.takes_chosen : W.takes_choose);
  choose.setAttribute('aria-pressed', String(one.chosen)); choose.setAttribute('aria-label', `${choose.textContent}: ${seeds}`);
  const pick = () => { if (!one.chosen) trigger_({ what: 'pick', seed: one.seeds[0] }); };
  choose.onclick = pick; clip.onclick = pick;
  const c = make('div', 't-card', clip, make('div', 't-foot', make('span', 't-seed', seeds), choose));
  if (one.old) c.append(make('span', 't-old', W.takes_old));
  c.classList.toggle('chosen', one.chosen); c.setAttribute('role', 'listitem');
  return c;
}
function wait(part, n) {
  const bar = make('i'); bar.style.width = part * 100 + '%';
  const c = make('div', 't-card t-wait', make('div', 't-frame', make('span', '', part ? Math.round(part * 100) + ' %' : W.status_queued)), make('div', 't-track', bar));
  c.setAttribute('role', 'listitem'); c.setAttribute('aria-label', `${n}`);
  return c;
}
function draw() {
  const takes = v.takes ?? [], left = slots.map((part, n) => [part, n + 1]).filter(([part]) => part < 1);
  root.hidden = !v.row;
  const alike = takes.find(one => one.seeds.length > 1 && !one.old);
  note.textContent = alike ? W.takes_alike : ''; note.hidden = !alike;
  const now = JSON.stringify(takes);
  if (now !== shown) { const on = play.getAttribute('aria-pressed') === 'true', had = grid.contains(document.activeElement); grid.replaceChildren(...takes.map(card)); shown = now; if (on) run(true); if (had) grid.querySelector('[aria-pressed=true]')?.focus(); }
  for (const one of grid.querySelectorAll('.t-wait')) one.remove();
  grid.append(...left.map(([part, n]) => wait(part, n)));
  grid.hidden = !grid.children.length; views.hidden = takes.length < 2; grid.style.setProperty('--n', Math.ceil(Math.sqrt(takes.length || 1)));
  if (takes.length < 2 && root.classList.contains('wide')) widen(false);
  go.disabled = busy; grid.setAttribute('aria-busy', String(left.length > 0));
}
const take = () => { const had = v.row, now = props.value ?? {}; if (now.project === v.project && now.at < v.at) return; v = now; if (v.row !== had) { run(false); slots = []; } draw(); };
const pushed = e => {
  if (!element.isConnected) return window.removeEventListener('reelwright', pushed);
  const d = e.detail, mine = d.row === v.row && (d.state === 'running' || d.state === 'queued') ? d.slots ?? [] : [], now = d.state === 'running' || d.state === 'queued';
  const begun = mine.length && !slots.length;
  if (now === busy && JSON.stringify(mine) === JSON.stringify(slots)) return;
  busy = now; slots = mine; draw();
  if (begun) grid.lastChild?.scrollIntoView({ block: 'nearest', behavior: still.matches ? 'auto' : 'smooth' });
};
window.addEventListener('reelwright', pushed);
take(); watch('value', take);
