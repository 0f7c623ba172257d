// A few lines of text and links, by kind. Words come by key where they are the page's own, else as they are.
const W = window.reelwright.words;
const root = element.querySelector('.lines');
const url = path => 'gradio_api/file=' + path.split('/').map(encodeURIComponent).join('/');
let v = {};
function draw() {
  const now = props.value ?? {};
  if (now.project === v.project && now.at < v.at) return;  // it was overtaken on its way
  v = now;
  root.replaceChildren();
  for (const line of v.lines ?? []) {
    const e = document.createElement({ link: 'a', title: 'h2', warn: 'p', state: 'span', item: 'p' }[line.kind] ?? 'p');
    e.className = 'l-' + line.kind; e.dataset.state = line.state ?? '';
    if (line.href) { e.href = url(line.href); e.download = line.name; e.dataset.key = line.key; }
    const own = line.key ? W[line.key] ?? line.key : '';
    if (own && line.text) { const b = document.createElement('b'); b.textContent = own; e.append(b, ' ' + line.text); } else e.textContent = own || line.text || '';
    if (line.more) { const s = document.createElement('span'); s.textContent = line.more; e.append(s); }
    root.append(e);
  }
  root.hidden = !root.children.length;
}
draw(); watch('value', draw);
