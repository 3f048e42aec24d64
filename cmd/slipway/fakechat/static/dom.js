// Elements without strings of HTML: whatever people or the bot wrote becomes text.

// el makes an element. Attributes that begin with "on" are listeners, "text" is the
// text inside, false and undefined attributes are left out.
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'text') node.textContent = value;
    else if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, '');
    else node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== '' && c !== false));
  return node;
}

// link leads out of the page, to http and https only.
export function link(url, ...inside) {
  if (!/^https?:\/\//i.test(url ?? '')) return el('span', {}, ...inside);
  return el('a', { href: url, target: '_blank', rel: 'noopener noreferrer' }, ...inside);
}

const built = new WeakMap();

// rebuild makes the content of a node anew if what it is made of has changed, and
// leaves the focus on what has the same data-key.
export function rebuild(node, of, make) {
  const key = JSON.stringify(of);
  if (built.get(node) === key) return;
  built.set(node, key);
  const at = node.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  node.replaceChildren(...[make()].flat(Infinity).filter(Boolean));
  if (at) node.querySelector(`[data-key="${CSS.escape(at)}"]`)?.focus();
}

// entities turns &lt; and its like back into characters.
export function entities(text) {
  const known = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'", nbsp: '\u00a0' };
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|([a-z]+));/gi, (all, hex, decimal, name) => {
    if (name) return known[name.toLowerCase()] ?? all;
    return String.fromCodePoint(Math.min(hex ? parseInt(hex, 16) : Number(decimal), 0x10ffff));
  });
}

// avatar is a coloured disk with the first letter of a name.
export function avatar(name, look = '') {
  let sum = 0;
  for (const c of name) sum = (sum * 31 + c.codePointAt(0)) % 6;
  return el('span', { class: `avatar tint${sum} ${look}`, 'aria-hidden': 'true', text: [...name][0]?.toUpperCase() ?? '?' });
}
