// Draws cards (JSON 2.0) as Feishu's clients do.
import { el, entities, link } from './dom.js';
import { clock, language, t } from './words.js';

// words is a text element's content in the reader's language.
function words(o) {
  if (typeof o === 'string') return o;
  return o?.i18n_content?.[language() === 'zh' ? 'zh_cn' : 'en_us'] ?? o?.content ?? '';
}

const tints = new Set(['blue', 'wathet', 'turquoise', 'green', 'yellow', 'orange', 'red', 'carmine', 'violet', 'purple', 'indigo', 'grey', 'neutral', 'lime']);

const tint = (name) => (tints.has(name) ? name : 'neutral');

// draw makes a message; at.form draws the open form in the place of the card's own.
export function draw(raw, at) {
  const card = raw?.card ?? raw;
  if (!card?.schema && !card?.body && !card?.header) {
    return typeof card?.text === 'string' ? [el('p', { class: 'f-text' }, markdown(card.text, at))] : [];
  }
  return [el('div', { class: 'f-card' }, head(card.header), el('div', { class: 'f-body' }, elements(card.body?.elements, at)))];
}

function head(h) {
  if (!h) return null;
  const tags = h.text_tag_list ?? [];
  return el('div', { class: `f-head head-${tint(h.template)}` },
    el('h3', {}, words(h.title), tags.map((tag) => el('span', { class: `f-tag tag-${tint(tag.color)}`, text: words(tag.text) }))),
    h.subtitle && el('p', { text: words(h.subtitle) }));
}

function elements(list, at) { return (list ?? []).map((e) => element(e, at)); }

function element(e, at) {
  switch (e.tag) {
    case 'markdown': return el('div', { class: `f-text size-${e.text_size ?? 'normal'} ${e.text_align ?? ''}` }, markdown(words(e), at));
    case 'div': return division(e, at);
    case 'plain_text': return el('span', { class: `size-${e.text_size ?? 'normal'} ${e.text_color ? `color-${tint(e.text_color)}` : ''}` }, lines(words(e)));
    case 'lark_md': return el('span', {}, markdown(words(e), at));
    case 'hr': return el('hr');
    case 'img': return el('span', { class: 'image', role: 'img', 'aria-label': words(e.alt), text: `🖼 ${words(e.alt) || t('image')}` });
    case 'button': return button(e, at);
    case 'overflow': return at.menu('⋯', (e.options ?? []).map((o) => at.button(words(o.text), { class: 'f-option', confirm: asks(e.confirm) }, words(o.text))));
    case 'column_set': return columns(e, at);
    case 'column': return el('div', { class: 'f-column' }, elements(e.elements, at));
    case 'interactive_container': return el('div', { class: 'f-container' }, elements(e.elements, at));
    case 'collapsible_panel': return panel(e, at);
    case 'form': return at.form?.(e) ?? el('div', { class: 'f-form over' }, el('p', { class: 'hint', text: t('formOver') }));
    case 'person': return mention(`@${at.name(e.user_id)}`);
    case 'person_list': return el('div', {}, (e.persons ?? []).map((p) => mention(`@${at.name(p.id)}`)));
    case 'table': return table(e, at);
    case 'note': return el('div', { class: 'f-text size-notation' }, elements(e.elements, at));
    default: return el('p', { class: 'unknown', text: `[${e.tag}]` });
  }
}

function division(e, at) {
  return el('div', { class: 'f-div' },
    el('div', { class: 'f-text' }, e.text && element(e.text, at), (e.fields ?? []).map((f) => el('div', { class: f.is_short ? 'short' : '' }, element(f.text, at)))),
    e.extra && element(e.extra, at));
}

function columns(e, at) {
  const set = el('div', { class: `f-columns ${e.flex_mode ?? 'none'} bg-${tint((e.background_style ?? '').replace(/-.*/, ''))}` });
  for (const c of e.columns ?? []) {
    const column = el('div', { class: `f-column ${c.direction ?? ''} align-${c.vertical_align ?? 'top'}` }, elements(c.elements, at));
    column.style.flex = c.width === 'auto' ? '0 0 auto' : `${c.weight ?? 1} 1 0`;
    set.append(column);
  }
  return set;
}

function panel(e, at) {
  return el('details', { class: 'f-panel', open: e.expanded === true }, el('summary', {}, markdown(words(e.header?.title), at)), el('div', {}, elements(e.elements, at)));
}

function asks(c) { return c && { title: words(c.title), text: words(c.text) }; }

function button(e, at) {
  const label = words(e.text);
  const opens = (e.behaviors ?? []).find((b) => b.type === 'open_url');
  return at.button(label, {
    class: `f-button ${e.type ?? 'default'} ${e.size ?? ''} ${e.width === 'fill' ? 'wide' : ''}`, url: e.url ?? opens?.default_url, confirm: asks(e.confirm),
    disabled: e.disabled, why: words(e.disabled_tips),
  }, label);
}

function table(e, at) {
  const row = (r) => el('tr', {}, (e.columns ?? []).map((c) => el('td', {}, markdown(String(r[c.name] ?? ''), at))));
  return el('table', { class: 'f-table' }, el('tr', {}, (e.columns ?? []).map((c) => el('th', { text: c.display_name ?? c.name }))), (e.rows ?? []).map(row));
}

function mention(name) { return el('span', { class: 'mention', text: name }); }

// Markdown of Feishu's own kind

function lines(s) { return s.split('\n').flatMap((l, i) => (i > 0 ? [el('br'), l] : [l])); }

export function markdown(source, at) {
  return source.split('```').flatMap((part, i) => (i % 2 === 1 ? [el('pre', { text: entities(part.replace(/^[a-z]*\n|\n$/g, '')) })] : blocks(part, at)));
}

function blocks(source, at) {
  const out = [];
  let list = null;
  let open = false; // a line of plain text came last
  for (const line of source.replace(/<br ?\/?>/g, '\n').split('\n')) {
    const item = /^ *(?:[-*]|(\d+)\.) (.*)$/.exec(line);
    const heading = /^(#{1,6}) (.*)$/.exec(line);
    const quote = /^(?:>|&gt;) ?(.*)$/.exec(line);
    if (item) {
      const kind = item[1] ? 'OL' : 'UL';
      if (list?.tagName !== kind) out.push(list = el(kind.toLowerCase(), { start: item[1] }));
      list.append(el('li', {}, inline(item[2], at)));
      open = false;
      continue;
    }
    list = null;
    if (heading || quote || /^(?: ?---+|<hr ?\/?>)$/.test(line)) {
      out.push(heading ? el('strong', { class: 'f-heading' }, inline(heading[2], at)) : quote ? el('blockquote', {}, inline(quote[1], at)) : el('hr'));
      open = false;
      continue;
    }
    if (open) out.push(el('br'));
    out.push(...inline(line, at));
    open = true;
  }
  return out;
}

const marks = new RegExp([
  /\\([\\`*_~[\]()<>#+\-.!|{}])/, // 1 escaped
  /`([^`]+)`/, // 2 code
  /\*\*(.+?)\*\*/, // 3 bold
  /~~(.+?)~~/, // 4 struck
  /(?<![*\p{L}\p{N}])\*([^*\s](?:[^*]*[^*\s])?)\*(?![*\p{L}\p{N}])/, // 5 italic
  /!?\[((?:[^\]\\]|\\.)*)\]\(([^)\s]*)\)/, // 6 label, 7 address
  /<(at|person) (?:id|ids|user_id) ?= ?["']?([^"'\s>/]+)["']?[^>]*>(?:<\/\8>)?/, // 8 tag, 9 account
  /<(font|text_tag) color=["']?([\w-]+)["']?>([\s\S]*?)<\/\10>/, // 10 tag, 11 colour, 12 inside
  /<local_datetime([^>]*)>(?:([\s\S]*?)<\/local_datetime>)?/, // 13 settings, 14 inside
].map((r) => r.source).join('|'), 'u');

function inline(source, at) {
  const out = [];
  let rest = source;
  for (let m = marks.exec(rest); m; m = marks.exec(rest)) {
    out.push(entities(rest.slice(0, m.index)));
    if (m[1] !== undefined) out.push(m[1]);
    else if (m[2] !== undefined) out.push(el('code', { text: entities(m[2]) }));
    else if (m[3] !== undefined) out.push(el('strong', {}, inline(m[3], at)));
    else if (m[4] !== undefined) out.push(el('s', {}, inline(m[4], at)));
    else if (m[5] !== undefined) out.push(el('em', {}, inline(m[5], at)));
    else if (m[6] !== undefined) out.push(link(entities(m[7]), inline(m[6], at)));
    else if (m[8]) out.push(mention(m[9] === 'all' ? '@all' : `@${at.name(m[9])}`));
    else if (m[10]) out.push(el('span', { class: m[10] === 'font' ? `color-${tint(m[11])}` : `f-tag tag-${tint(m[11])}` }, inline(m[12], at)));
    else out.push(moment(m[13], m[14]));
    rest = rest.slice(m.index + m[0].length);
  }
  out.push(entities(rest));
  return out.filter((s) => s !== '');
}

function moment(settings, fallback) {
  const unix = /millisecond=["']?(\d+)/.exec(settings)?.[1];
  if (!unix) return entities(fallback ?? '');
  const date = new Date(Number(unix));
  return el('time', { datetime: date.toISOString(), text: clock(date, { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }) });
}
