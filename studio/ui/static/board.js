// The storyboard: one row a scene. The server holds the project; this draws it and sends every edit as one operation.
// Text is set with textContent and value only: nothing that people type is ever read as markup.
const W = window.reelwright.words;
const say = (key, with_) => (W[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => with_?.[name] ?? '');
const make = (tag, cls, ...inside) => { const e = document.createElement(tag); if (cls) e.className = cls; e.append(...inside); return e; };
const icon = name => { const span = make('span', 'icon'); span.innerHTML = props.icons[name]; span.setAttribute('aria-hidden', 'true'); return span; };
const button = (cls, label, ...inside) => { const b = make('button', cls, ...inside); b.type = 'button'; if (label) { b.title = label; b.setAttribute('aria-label', label); } return b; };
const text = (e, t) => { if (e.textContent !== t) e.textContent = t; };
const url = path => path ? 'gradio_api/file=' + path.split('/').map(encodeURIComponent).join('/') : '';
const phone = matchMedia('(max-width: 820px)');
const still = matchMedia('(prefers-reduced-motion: reduce)');

const store = { project: '', version: -1, order: [], rows: new Map(), selected: '' };
const drawn = new Map();
let late = 0, editing = null, dragging = null, menu = null, asked = 0;

const root = element.querySelector('.board');
const head = make('div', 'b-head', make('span'), make('span', 'b-n', '#'), make('span', '', W.col_image), make('span', '', W.col_text), make('span', '', W.col_moves), make('span', '', W.col_length), make('span', '', W.col_status));
head.setAttribute('aria-hidden', 'true');
const body = make('div', 'b-body'); body.setAttribute('role', 'list'); body.setAttribute('aria-label', W.scenes_list);
const add = make('div', 'b-adds', button('b-add', '', icon('plus'), W.add_scene), button('b-pick', '', icon('image'), W.add_pictures, make('em', '', W.add_drop)));
const picker = make('input'); picker.type = 'file'; picker.hidden = true; picker.tabIndex = -1; picker.setAttribute('aria-label', W.zero_pick);
const zero = make('section', 'b-zero'), summary = make('div', 'b-sum'), live = make('div', 'b-live');
live.setAttribute('aria-live', 'polite');
root.append(zero, head, body, add, summary, live, picker);

const BEGINS = new Set(['sample', 'open', 'write', 'files', 'unsent']);  // these may change everything on the page
const send = (what, more) => trigger(BEGINS.has(what) ? 'begin' : 'act', { what, ...more, asked: ++asked });
const row = id => store.rows.get(id);
const idOf = target => target.closest?.('.b-row')?.dataset.id;

// ---- the empty page
const story = make('textarea'); story.rows = 5; story.placeholder = W.zero_example; story.setAttribute('aria-label', W.zero_label);
const go = button('go', '', W.zero_go), pick = button('', '', icon('image'), W.zero_pick), sample = button('', '', icon('film'), W.zero_sample), recent = make('div', 'b-recent');
zero.append(make('h1', '', W.zero_title), make('p', '', W.zero_text), story, make('div', 'b-go', go, pick, sample), make('p', 'small', W.zero_drop), recent);
go.onclick = () => { if (story.value.trim()) { send('write', { text: story.value }); story.value = ''; } else story.focus(); };
story.onkeydown = e => { if ((e.ctrlKey || e.metaKey) && e.key === 'Enter') { e.stopPropagation(); go.click(); } };
pick.onclick = () => choose('');
sample.onclick = () => send('sample');
function drawRecent(list) {
  recent.replaceChildren();
  if (!list?.length) return;
  recent.append(make('h2', '', W.zero_recent));
  for (const one of list) {
    const b = button('', '', make('b', '', one.title || W.untitled), make('span', '', `${one.scenes} ${one.scenes === 1 ? W.one_scene : W.n_scenes}`));
    b.onclick = () => send('open', { project: one.id });
    recent.append(b);
  }
}

// ---- one row
function build(id) {
  const r = make('div', 'b-row'); r.dataset.id = id; r.tabIndex = 0; r.setAttribute('role', 'listitem');
  const grip = make('span', 'b-grip', icon('grip-vertical')); grip.draggable = true; grip.title = W.grip;
  const img = make('img'), vid = make('video'), frame = make('span', 'b-frame', img); img.alt = ''; img.hidden = vid.hidden = true; img.loading = 'lazy'; img.draggable = false;
  Object.assign(vid, { muted: true, loop: true, playsInline: true, preload: 'none' });
  const bar = make('i');
  const thumb = button('b-thumb', W.picture_set, make('span', 'b-none', icon('image')), frame, vid, make('span', 'b-bar', bar));
  const prompt = make('div', 'b-prompt'), narration = make('div', 'b-narration');
  for (const [e, f, label] of [[prompt, 'prompt', W.prompt], [narration, 'narration', W.narration]]) { e.dataset.f = f; e.dataset.empty = f === 'prompt' ? W.prompt_empty : W.narration_empty; e.setAttribute('role', 'textbox'); e.setAttribute('aria-label', label); e.dir = 'auto'; }
  const motion = button('b-chip b-motion'), mood = button('b-chip b-mood'); motion.dataset.menu = 'clip_action'; mood.dataset.menu = 'music_mood';
  for (const c of [motion, mood]) c.setAttribute('aria-haspopup', 'listbox');
  const length = make('input'); length.inputMode = 'decimal'; length.dataset.f = 'duration'; length.placeholder = W.length_auto; length.setAttribute('aria-label', W.duration);
  const badge = make('span', 'b-badge'), said = make('span', 'b-said');
  const tools = make('div', 'b-tools');
  for (const [what, name, label] of [['only', 'play', W.only_this], ['reroll', 'dices', W.reroll], ['duplicate', 'copy', W.duplicate], ['delete', 'trash-2', W.delete]]) { const b = button('', label, icon(name)); b.dataset.do = what; tools.append(b); }
  const n = make('span', 'b-n');
  r.append(grip, n, thumb, make('div', 'b-text', prompt, narration), make('div', 'b-chips', motion, mood), make('label', 'b-length', length, make('span', '', W.seconds)), make('div', 'b-state', badge, said), tools);
  const parts = { r, n, img, frame, vid, thumb, bar, prompt, narration, motion, mood, length, badge, said };
  drawn.set(id, parts);
  return parts;
}
function label(list, value, none) { return value ? (list.find(one => one.name === value)?.label ?? value) : none; }
function paint(id) {
  const v = row(id), q = drawn.get(id) ?? build(id), faulty = v.faults?.length;
  const status = faulty && v.status !== 'making' ? 'fault' : v.status;
  q.r.dataset.status = status; text(q.n, String(store.order.indexOf(id) + 1));
  q.r.setAttribute('aria-label', `${W.scene} ${store.order.indexOf(id) + 1}`);
  const src = status === 'making' && v.glimpse ? 'data:image/jpeg;base64,' + v.glimpse : url(v.image); if (src && q.img.getAttribute('src') !== src) { q.img.src = src; q.img.style.transform = ''; }
  q.img.hidden = !src; q.img.alt = v.prompt || '';
  q.vid.dataset.src = url(v.clip); q.r.classList.toggle('has-clip', !!v.clip);
  const poster = !src && v.clip ? url(v.clip) + '#t=0.05' : '';  // a scene without a picture shows its clip
  if (poster && q.vid.getAttribute('src') !== poster) { q.vid.preload = 'metadata'; q.vid.src = poster; }
  q.vid.hidden = !poster || !!src;
  for (const f of ['prompt', 'narration']) if (editing !== q[f]) { text(q[f], String(v[f] ?? '')); q[f].classList.toggle('empty', !v[f]); }
  text(q.motion, label(props.moves, v.clip_action === 'auto' ? '' : v.clip_action, W.motion_auto)); text(q.mood, label(props.moods, v.music_mood, W.mood_same));
  q.motion.setAttribute('aria-label', `${W.motion}: ${q.motion.textContent}`); q.mood.setAttribute('aria-label', `${W.mood}: ${q.mood.textContent}`);
  if (q.length !== document.activeElement) q.length.value = v.duration ?? '';
  for (const f of ['prompt', 'narration', 'length']) q[f].classList.toggle('bad', !!v.faults?.some(x => x.field === (f === 'length' ? 'duration' : f)));
  text(q.badge, status === 'making' ? Math.round((v.part || 0) * 100) + ' %' : say('status_' + status));
  const why = faulty ? v.faults[0].message + ' ' + v.faults[0].hint : status === 'failed' ? v.said + ' ' + v.hint : v.takes > 1 ? `${v.takes} ${W.takes}` : '';
  text(q.said, why.trim()); q.said.title = why.trim();
  q.bar.style.width = (status === 'making' ? (v.part || 0) * 100 : 0) + '%';
  q.r.classList.toggle('selected', id === store.selected); q.r.setAttribute('aria-current', id === store.selected);
  return q;
}
function arrange() {
  let before = null;
  const focused = document.activeElement;
  for (const id of store.order) {
    const q = drawn.get(id) ?? paint(id), at = before ? before.nextSibling : body.firstChild;
    if (at !== q.r) body.insertBefore(q.r, at);
    before = q.r;
  }
  for (const [id, q] of drawn) if (!store.rows.has(id)) { q.r.remove(); drawn.delete(id); }
  if (focused && focused !== document.activeElement && root.contains(focused)) focused.focus({ preventScroll: true });
  root.classList.toggle('is-empty', !store.order.length);
}
function tell(v) {
  if (v.summary) { const s = v.summary; summary.replaceChildren(make('b', '', String(s.scenes)), ` ${s.scenes === 1 ? W.one_scene : W.n_scenes}`, make('i'), make('b', '', s.length), make('i'), make('b', '', String(s.ready)), ` ${W.n_ready}`); }
}
function take(v) {
  if (!v || v.version === undefined) return;
  if (v.full) { store.project = v.project; store.order = v.order; store.rows = new Map(Object.entries(v.rows)); store.version = v.version; }
  else if (v.version !== store.version || Object.keys(v.rows ?? {}).length) {
    if (v.project !== store.project || v.from !== store.version) { if (v.version > store.version || v.project !== store.project) send('refresh'); return; }
    for (const [id, r] of Object.entries(v.rows)) store.rows.set(id, r);
    if (v.order) { store.order = v.order; const kept = new Set(v.order); for (const id of [...store.rows.keys()]) if (!kept.has(id)) store.rows.delete(id); }
    store.version = v.version;
  }
  if (v.selected !== undefined && v.selected !== null) store.selected = v.selected;
  if (v.recent) drawRecent(v.recent);
  tell(v);
  if (v.full || v.order) { for (const id of store.order) paint(id); arrange(); }
  else { for (const id of Object.keys(v.rows ?? {})) paint(id); for (const id of store.order) drawn.get(id)?.r.classList.toggle('selected', id === store.selected); }
  if (v.said) live.textContent = v.said;
  if (v.show) requestAnimationFrame(() => drawn.get(v.selected)?.r.scrollIntoView({ block: 'nearest' }));
}
take(props.value); watch('value', () => take(props.value));
const pushed = e => {
  if (!element.isConnected) return window.removeEventListener('reelwright', pushed);
  const v = e.detail; if (v.project !== store.project) return;
  if (v.version > store.version) { clearTimeout(late); late = setTimeout(() => v.version > store.version && v.project === store.project && send('refresh'), 700); }  // our own change's answer may be under way
  for (const [id, s] of Object.entries(v.rows ?? {})) { const r = row(id); if (!r) continue; const was = JSON.stringify([r.status, r.part, r.said, r.clip, r.takes, r.glimpse]); Object.assign(r, s); if (was !== JSON.stringify([r.status, r.part, r.said, r.clip, r.takes, r.glimpse])) paint(id); }
  tell(v);
};
window.addEventListener('reelwright', pushed);

// ---- choosing and editing
function select(id, focus) {
  if (!id || !row(id)) return;
  const before = store.selected; store.selected = id;
  for (const each of [before, id]) { const q = drawn.get(each); q?.r.classList.toggle('selected', each === id); q?.r.setAttribute('aria-current', each === id); }
  if (focus) drawn.get(id)?.r.focus();
  if (before !== id || phone.matches) send('select', { id });
}
const openPanel = () => { if (phone.matches) document.body.classList.add('panel'); };
function edit(node) {
  if (!node || editing) return;
  const id = idOf(node), f = node.dataset.f, now = String(row(id)[f] ?? '');
  editing = node; node.classList.remove('empty'); node.textContent = now; node.contentEditable = 'plaintext-only'; node.classList.add('editing'); node.focus();
  const range = document.createRange(); range.selectNodeContents(node); range.collapse(false); getSelection().removeAllRanges(); getSelection().addRange(range);
  const end = keep => {
    if (editing !== node) return;
    const t = node.innerText.replace(/\u00a0/g, ' ').trim(); editing = null; node.contentEditable = 'false'; node.classList.remove('editing'); node.onblur = node.onkeydown = null;
    if (keep && t !== now && row(id)) { row(id)[f] = t; send('edit', { id, field: f, value: t }); }
    if (row(id)) paint(id);
  };
  node.onblur = () => end(true);
  node.onkeydown = e => {
    e.stopPropagation();
    if (e.key === 'Escape') { end(false); drawn.get(id)?.r.focus(); }
    else if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) { e.preventDefault(); end(true); drawn.get(id)?.r.focus(); if (e.ctrlKey || e.metaKey) document.querySelector('#make')?.click(); }
    else if (e.key === 'Tab') { e.preventDefault(); end(true); const next = f === 'prompt' && !e.shiftKey ? drawn.get(id)?.narration : f === 'narration' && e.shiftKey ? drawn.get(id)?.prompt : drawn.get(store.order[store.order.indexOf(id) + (e.shiftKey ? -1 : 1)])?.[e.shiftKey ? 'narration' : 'prompt']; if (next) edit(next); else drawn.get(id)?.r.focus(); }
  };
}
element.addEventListener('change', e => { const id = idOf(e.target); if (id && e.target.dataset.f === 'duration') { row(id).duration = e.target.value.trim(); send('edit', { id, field: 'duration', value: e.target.value.trim() }); } });
element.addEventListener('click', e => {
  const id = idOf(e.target), tool = e.target.closest('[data-do]'), chip = e.target.closest('[data-menu]');
  if (e.target.closest('.b-add')) return send('add', { after: '' });
  if (e.target.closest('.b-pick')) return choose('');
  if (!id) return;
  if (tool) return send(tool.dataset.do, { id });
  if (chip) { select(id); return openMenu(chip, id, chip.dataset.menu); }
  if (e.target.closest('.b-thumb')) { const had = store.selected === id; select(id); if (!row(id).image || (had && !phone.matches)) choose(id); else openPanel(); return; }
  const field = e.target.closest('.b-prompt, .b-narration');
  if (field && editing !== field && store.selected === id && !phone.matches) { edit(field); return; }
  if (!e.target.closest('input') && editing !== e.target) { select(id); openPanel(); }
});
element.addEventListener('focusin', e => { if (e.target.dataset.f === 'duration') select(idOf(e.target)); });
element.addEventListener('dblclick', e => { const node = e.target.closest('.b-prompt, .b-narration'); if (node) edit(node); });
element.addEventListener('keydown', e => {
  if (e.target.matches('input, textarea, [contenteditable="plaintext-only"]')) { if (e.key === 'Enter' && e.target.dataset.f === 'duration') e.target.blur(); return; }
  const r = e.target.closest('.b-row'); if (!r) return;
  const id = r.dataset.id, i = store.order.indexOf(id), plain = !e.ctrlKey && !e.metaKey && !e.altKey, own = e.target === r;
  const to = j => { if (store.order[j]) { e.preventDefault(); select(store.order[j], true); } };
  if (e.altKey && (e.key === 'ArrowUp' || e.key === 'ArrowDown')) { e.preventDefault(); send('move', { id, to: i + (e.key === 'ArrowUp' ? -1 : 1) }); }
  else if (plain && (e.key === 'ArrowDown' || e.key === 'j')) to(i + 1);
  else if (plain && (e.key === 'ArrowUp' || e.key === 'k')) to(i - 1);
  else if (own && e.key === 'Enter' && e.shiftKey) { e.preventDefault(); send('only', { id }); }
  else if (own && plain && (e.key === 'Enter' || e.key === 'F2')) { e.preventDefault(); select(id); edit(drawn.get(id).prompt); }
  else if (own && plain && e.key === 'Delete') send('delete', { id });
  else if (own && plain && e.key === 'r') send('reroll', { id });
  else if (own && plain && e.key === 'd') send('duplicate', { id });
  else if (own && e.key === ' ') { e.preventDefault(); select(id); }
});

// ---- files
function choose(id) { picker.dataset.for = id; picker.multiple = !id; picker.accept = id ? props.pictures : props.pictures + ',' + props.tables; picker.click(); }
async function put(files, id) {
  const all = [...files]; if (!all.length) return;
  const wanted = all, rest = id ? all.slice(1) : [];  // the first is for that scene, the others become scenes
  drawn.get(id)?.r.classList.add('busy'); live.textContent = W.uploading; root.classList.add('busy');
  try {
    const sent = [];
    for (const file of wanted) sent.push({ path: (await upload(file)).path, name: file.name });
    send('files', { id, files: rest.length ? sent.slice(0, 1) : sent });
    if (rest.length) send('files', { id: '', files: sent.slice(1) });
  } catch (error) { send('unsent', { name: wanted.map(f => f.name).join(', ').slice(0, 80) }); } finally { drawn.get(id)?.r.classList.remove('busy'); root.classList.remove('busy'); live.textContent = ''; }
}
picker.onchange = () => { const files = [...picker.files], id = picker.dataset.for; picker.value = ''; put(files, id); };
const clearMarks = () => { root.classList.remove('drop'); for (const e of body.querySelectorAll('.over, .under, .drop')) e.classList.remove('over', 'under', 'drop'); };
element.addEventListener('dragstart', e => { const g = e.target.closest?.('.b-grip'); if (!g) return; dragging = idOf(g); e.dataTransfer.effectAllowed = 'move'; e.dataTransfer.setData('text/plain', ''); e.dataTransfer.setDragImage(drawn.get(dragging).r, 20, 20); drawn.get(dragging).r.classList.add('drag'); });
const below = (r, e) => { const b = r.getBoundingClientRect(); return e.clientY > b.top + b.height / 2; };
element.addEventListener('dragover', e => { e.preventDefault(); clearMarks(); const r = e.target.closest('.b-row'); if (r && dragging) r.classList.add(below(r, e) ? 'under' : 'over'); else if (r) r.querySelector('.b-thumb').classList.add('drop'); else if (!dragging) root.classList.add('drop'); });
element.addEventListener('dragleave', e => { if (!element.contains(e.relatedTarget)) clearMarks(); });
element.addEventListener('drop', e => {
  e.preventDefault(); clearMarks(); const r = e.target.closest('.b-row');
  if (dragging && r) { const rest = store.order.filter(x => x !== dragging); let at = rest.indexOf(r.dataset.id); if (at >= 0) { if (below(r, e)) at++; send('move', { id: dragging, to: at }); } }
  else if (!dragging && e.dataTransfer.files.length) put(e.dataTransfer.files, r?.dataset.id ?? '');
});
element.addEventListener('dragend', () => { clearMarks(); body.querySelector('.drag')?.classList.remove('drag'); dragging = null; });

// ---- seeing the clip, or the move before there is one
let shown = null;
async function preview(id, action) {
  const q = drawn.get(id), v = row(id); if (!q || !v?.image || still.matches) return;
  const wish = shown = {}; let motion;
  try { motion = await server.motion({ project: store.project, row: id, action }); } catch { return; }
  if (shown !== wish || !motion?.frames?.length) return;
  const box = q.thumb.getBoundingClientRect(), w = Math.min(box.width, box.height * motion.shape);
  q.img.classList.add('moving'); q.frame.style.left = q.frame.style.right = (box.width - w) / 2 + 'px';
  const frames = motion.frames.map(([a, b, c, d, x, y]) => ({ transform: `matrix(${a},${b},${c},${d},${x * w},${y * w})` }));
  wish.run = q.img.animate(frames, { duration: 2600, iterations: Infinity, easing: 'linear' }); wish.img = q.img; wish.frame = q.frame;
}
function stopPreview() { const was = shown; shown = null; if (was?.run) { was.run.cancel(); was.img.classList.remove('moving'); was.frame.style.left = was.frame.style.right = ''; } }
element.addEventListener('mouseover', e => {
  const t = e.target.closest('.b-thumb'); if (!t || t.contains(e.relatedTarget)) return;
  const q = drawn.get(idOf(t)); if (!q) return;
  if (q.vid.dataset.src && q.r.dataset.status === 'ready') { if (!q.vid.getAttribute('src')?.startsWith(q.vid.dataset.src)) q.vid.src = q.vid.dataset.src; q.vid.hidden = false; q.vid.play().catch(() => {}); }
  else { stopPreview(); preview(idOf(t), null); }
});
element.addEventListener('mouseout', e => { const t = e.target.closest('.b-thumb'); if (!t || t.contains(e.relatedTarget)) return; const q = drawn.get(idOf(t)); if (q) { q.vid.pause(); q.vid.hidden = !!row(idOf(t))?.image; } if (!menu) stopPreview(); });

// ---- the lists of moves and moods: with what each does, and free words
let sound = null;
function closeMenu(back) { if (!menu) return; const m = menu; menu = null; m.box.remove(); stopPreview(); sound?.pause(); document.removeEventListener('pointerdown', m.outside, true); if (back) m.chip.focus(); }
function openMenu(chip, id, field) {
  closeMenu();
  const list = field === 'clip_action' ? props.moves : props.moods, now = String(row(id)[field] ?? '');
  const box = make('div', 'b-menu'), own = make('input'), rows = make('div', 'b-options'); rows.setAttribute('role', 'listbox'); rows.setAttribute('aria-label', field === 'clip_action' ? W.motion : W.mood);
  own.value = now === 'auto' ? '' : now; own.placeholder = W.own_words; own.setAttribute('aria-label', W.own_words); own.maxLength = 500;
  const set = value => { closeMenu(true); if (value !== now) { row(id)[field] = value; paint(id); send('edit', { id, field, value }); if (field === 'clip_action') { stopPreview(); preview(id, value); setTimeout(() => { if (!menu) stopPreview(); }, 2600); } } };
  const options = [{ name: field === 'clip_action' ? 'auto' : '', label: field === 'clip_action' ? W.motion_auto : W.mood_same, what: '' }, ...list];
  for (const one of options) {
    const o = make('div', 'b-option', make('div', '', make('b', '', one.label), make('span', '', one.what))); o.setAttribute('role', 'option'); o.tabIndex = -1; o.setAttribute('aria-selected', one.name === now || (!now && (one.name === 'auto' || !one.name)));
    o.onclick = () => set(one.name);
    if (field === 'clip_action') o.onmouseenter = o.onfocus = () => { stopPreview(); preview(id, one.name); };
    else if (one.name) { const b = button('b-listen', `${W.listen}: ${one.label}`, icon('volume-2')); b.tabIndex = -1; b.onclick = async e => { e.stopPropagation(); sound?.pause(); b.classList.add('busy'); try { const heard = await server.mood({ project: store.project, mood: one.name }); sound = new Audio(url(heard.path)); await sound.play(); } catch {} b.classList.remove('busy'); }; o.append(b); }
    rows.append(o);
  }
  const all = [...rows.children];
  const filter = () => { const t = own.value.trim().toLowerCase(); for (const [i, o] of all.entries()) o.hidden = !!t && t !== now.toLowerCase() && !(options[i].label + ' ' + options[i].name + ' ' + options[i].what).toLowerCase().includes(t); };
  own.oninput = filter;
  box.onkeydown = e => {
    e.stopPropagation(); const seen = all.filter(o => !o.hidden), at = seen.indexOf(document.activeElement);
    if (e.key === 'Escape') closeMenu(true);
    else if (e.key === 'ArrowDown') { e.preventDefault(); seen[Math.min(seen.length - 1, at + 1)]?.focus(); }
    else if (e.key === 'ArrowUp') { e.preventDefault(); (at > 0 ? seen[at - 1] : own).focus(); }
    else if (e.key === 'Enter' && !e.isComposing) { e.preventDefault(); if (at >= 0) seen[at].click(); else set(own.value.trim()); }
    else if (e.key === ' ' && at >= 0 && field === 'music_mood') { e.preventDefault(); seen[at].querySelector('.b-listen')?.click(); }
    else if (e.key === 'Tab') closeMenu(true);
  };
  box.append(own, rows); root.append(box);
  const c = chip.getBoundingClientRect(), h = root.getBoundingClientRect(), room = innerHeight - 90 - c.bottom;
  box.style.left = Math.max(8, Math.min(c.left - h.left, h.width - 328)) + 'px';
  if (room < 300 && c.top > 380) box.style.bottom = h.bottom - c.top + 4 + 'px'; else box.style.top = c.bottom - h.top + 4 + 'px';
  const outside = e => { if (!box.contains(e.target) && !chip.contains(e.target)) closeMenu(false); };
  document.addEventListener('pointerdown', outside, true);
  menu = { box, chip, outside }; own.focus(); own.select(); rows.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
}
