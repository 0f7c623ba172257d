// The line at the bottom: what is being done, how far it is, how long it takes still. It hears every push of the server
// and hands the rows' part of it to the storyboard.
const W = window.reelwright.words;
const say = (key, with_) => (W[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => with_?.[name] ?? '');
const make = (tag, cls, ...inside) => { const e = document.createElement(tag); if (cls) e.className = cls; e.append(...inside); return e; };
const root = element.querySelector('.dock');
const what = make('span', 'd-what'), left = make('span', 'd-left'), keys = make('span', 'd-keys', W.dock_start), bar = make('i'), track = make('div', 'd-track', bar);
what.setAttribute('role', 'status'); track.setAttribute('role', 'progressbar'); track.setAttribute('aria-valuemin', 0); track.setAttribute('aria-valuemax', 100); track.setAttribute('aria-label', W.film);
root.append(make('div', 'd-top', what, left, keys), track);
let v = {}, at = 0, seen = '';
const clock = s => { s = Math.max(0, Math.round(s)); return Math.floor(s / 60) + ':' + String(s % 60).padStart(2, '0'); };
const cutting = () => v.cut?.state === 'queued' || v.cut?.state === 'running';
const sentence = () => {
  if (v.state === 'queued') return v.ahead ? say('dock_queued', { n: v.ahead }) : W.dock_queued_next;
  if (v.state === 'running') return v.said ? v.said + ' ' + v.hint : say('stage_' + (v.stage || ''));
  if (cutting()) return W.video_busy;
  if (v.state === 'failed' && v.failed) return say('dock_failed_scenes', { n: v.failed, of: v.scenes });
  if (v.state === 'failed') return (v.said || W.dock_failed) + (v.hint ? ' ' + v.hint : '');
  if (!v.scenes) return W.dock_empty;
  if (v.faults) return v.wrong || say('dock_faults', { n: v.faults });
  if (v.state === 'stopped') return W.dock_stopped;
  if (v.state === 'done' && v.kind === 'scene') return W.dock_done_scene;
  if (v.state === 'done' && v.kind === 'takes') return W.dock_done_takes;
  if (v.film === 'new') return W.dock_done;
  if (v.film === 'old' && v.ready === v.scenes) return W.dock_changed;
  return v.ready < v.scenes ? say('dock_todo', { n: v.scenes - v.ready, of: v.scenes }) : W.dock_all;
};
const lasts = () => [v.takes?.seconds ? say(v.takes.rough ? 'takes_rough' : 'takes_about', { t: clock(v.takes.seconds) }) : '', v.takes?.unknown ? say('takes_unknown', { n: v.takes.unknown }) : ''].filter(Boolean).join(' · ');
function tick() {
  if (!element.isConnected) return clearInterval(timer);
  const gone = (performance.now() - at) / 1000, busy = v.state === 'running' || v.state === 'queued';
  keys.hidden = busy || !v.scenes || !!v.faults || !!(v.state === 'done' && v.took >= 1);
  const rest = v.left == null ? null : v.left - gone;
  left.textContent = !busy ? (v.state === 'done' && v.took >= 1 ? say('took', { t: clock(v.took) }) : v.scenes && !v.faults ? lasts() : '')
    : (v.state === 'queued' ? '' : rest == null ? W.estimating : rest < 2.5 ? W.almost : say('left', { t: clock(rest) })) + (v.total && v.state === 'running' ? ' · ' + say(v.kind === 'takes' ? 'of_takes' : 'of_scenes', { n: v.made, of: v.total }) : '');
}
function draw() {
  if (!props.value || props.value.project === undefined) return;
  if (props.value.project === v.project && props.value.at < v.at) return;  // it was overtaken on its way
  v = props.value; at = performance.now();
  const busy = v.state === 'running' || v.state === 'queued', share = busy ? v.share : v.state === 'done' || v.film === 'new' ? 1 : v.share || 0;
  root.dataset.state = v.faults && !busy ? 'fault' : v.film === 'new' && !busy && v.state !== 'failed' ? 'done' : v.state || 'idle';
  const t = sentence(); if (what.textContent !== t) { what.textContent = t; what.title = t; }
  const shown = !busy && cutting() ? v.cut.share : share;
  bar.style.width = shown * 100 + '%'; track.setAttribute('aria-valuenow', Math.round(shown * 100));
  document.title = (busy && v.state === 'running' ? Math.round(share * 100) + ' % · ' : '') + (v.title || W.untitled) + ' · ' + W.brand;
  const makeButton = document.querySelector('#make'), stopButton = document.querySelector('#stop');
  document.body.classList.toggle('busy', busy);
  if (makeButton && stopButton) { const had = document.activeElement; makeButton.toggleAttribute('inert', busy); stopButton.toggleAttribute('inert', !busy); if (busy && (had === makeButton || makeButton.contains(had))) (stopButton.matches('button') ? stopButton : stopButton.querySelector('button'))?.focus(); else if (!busy && (had === stopButton || stopButton.contains(had))) (makeButton.matches('button') ? makeButton : makeButton.querySelector('button'))?.focus(); }
  window.dispatchEvent(new CustomEvent('reelwright', { detail: v }));
  const now = [v.project, v.job, v.clips, busy, v.cut?.job, v.cut?.state].join();
  if (seen && now !== seen) trigger('news');
  seen = now;
  tick();
}
const timer = setInterval(tick, 1000);
// A GPU is lent to whoever clicked, and what says so is good for some minutes.
if (window.reelwright.lent) setInterval(() => { if (element.isConnected && (v.state === 'running' || v.state === 'queued' || cutting())) trigger('stays'); }, 60000);
draw(); watch('value', draw);
