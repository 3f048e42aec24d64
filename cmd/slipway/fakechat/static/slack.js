// Draws Block Kit as Slack's clients do.
import { el, entities, link } from './dom.js';
import { clock, dayOf, t } from './words.js';

// blocksOf finds the blocks in what the bot sent.
function blocksOf(raw) {
  if (Array.isArray(raw)) return raw;
  return raw?.blocks ?? raw?.view?.blocks ?? raw?.message?.blocks ?? [];
}

// draw makes a message, a home page or the text of a modal; input draws an input block.
export function draw(raw, at) {
  const nodes = blocksOf(raw).map((b) => block(b, at));
  for (const a of raw?.attachments ?? []) {
    nodes.push(el('div', { class: 's-attachment' }, blocksOf(a).map((b) => block(b, at)), !a.blocks && mrkdwn(a.text ?? a.fallback ?? '', at)));
  }
  if (nodes.length === 0 && raw?.text) nodes.push(el('p', { class: 's-text' }, mrkdwn(raw.text, at)));
  return nodes;
}

function block(b, at) {
  switch (b.type) {
    case 'header': return el('h3', { class: 's-header' }, text(b.text, at));
    case 'divider': return el('hr');
    case 'section': return section(b, at);
    case 'context': return el('div', { class: 's-context' }, (b.elements ?? []).map((e) => el('span', {}, e.type === 'image' ? image(e) : text(e, at))));
    case 'actions': return el('div', { class: 's-actions' }, (b.elements ?? []).map((e) => element(e, at)));
    case 'rich_text': return el('div', { class: 's-rich' }, (b.elements ?? []).map((e) => rich(e, at)));
    case 'markdown': return el('div', { class: 's-text' }, mrkdwn(b.text ?? '', at));
    case 'image': return el('div', { class: 's-text' }, image(b));
    case 'table': return el('table', { class: 's-table' }, (b.rows ?? []).map((row) => el('tr', {}, row.map((cell) => el('td', {}, cell.type === 'rich_text' ? block(cell, at) : cell.text)))));
    case 'input': return at.input?.(b) ?? null;
    default: return el('p', { class: 'unknown', text: `[${b.type}]` });
  }
}

function section(b, at) {
  return el('div', { class: 's-section' },
    el('div', { class: 's-main' },
      b.text && el('div', { class: 's-text' }, text(b.text, at)),
      b.fields && el('div', { class: 's-fields' }, b.fields.map((f) => el('div', {}, text(f, at))))),
    b.accessory && el('div', { class: 's-accessory' }, element(b.accessory, at)));
}

function element(e, at) {
  switch (e.type) {
    case 'button': {
      const label = plain(e.text);
      return at.button(label, { class: `s-button ${e.style ?? ''}`, url: e.url, confirm: asks(e.confirm) }, label);
    }
    case 'overflow':
      return at.menu('⋯', (e.options ?? []).map((o) => at.button(plain(o.text), { class: 's-option', url: o.url, confirm: asks(e.confirm) }, plain(o.text))));
    case 'image': return image(e);
    default: return el('span', { class: 'unknown', text: plain(e.placeholder) || `[${e.type}]` });
  }
}

const plain = (o) => entities(o?.text ?? '');

function asks(c) {
  return c && { title: plain(c.title), text: plain(c.text), yes: plain(c.confirm), no: plain(c.deny) };
}

function image(e) {
  return el('span', { class: 'image', role: 'img', 'aria-label': e.alt_text ?? '', text: `🖼 ${e.alt_text ?? t('image')}` });
}

function text(o, at) {
  if (!o) return [];
  return o.type === 'mrkdwn' ? mrkdwn(o.text ?? '', at) : lines(entities(o.text ?? ''));
}

// lines is text with line breaks.
function lines(s) {
  return s.split('\n').flatMap((l, i) => (i > 0 ? [el('br'), emoji(l)] : [emoji(l)]));
}

const emojis = {
  white_check_mark: '✅', x: '❌', warning: '⚠️', hourglass_flowing_sand: '⏳', rocket: '🚀', bell: '🔔', eyes: '👀', tada: '🎉', lock: '🔒',
  memo: '📝', information_source: 'ℹ️', arrow_right: '➡️', no_entry: '⛔', stopwatch: '⏱️', calendar: '📅', wave: '👋', question: '❓',
};

function emoji(s) {
  return s.replace(/:([a-z0-9_+-]+):/g, (all, name) => emojis[name] ?? all);
}

// Rich text

function rich(e, at) {
  switch (e.type) {
    case 'rich_text_section': return el('div', { class: 's-text' }, pieces(e.elements, at));
    case 'rich_text_quote': return el('blockquote', {}, pieces(e.elements, at));
    case 'rich_text_preformatted': return el('pre', {}, pieces(e.elements, at));
    case 'rich_text_list':
      return el(e.style === 'ordered' ? 'ol' : 'ul', { class: `s-list indent${Math.min(e.indent ?? 0, 5)}`, start: e.offset ? e.offset + 1 : undefined },
        (e.elements ?? []).map((i) => el('li', {}, pieces(i.elements, at))));
    default: return el('p', { class: 'unknown', text: `[${e.type}]` });
  }
}

function pieces(elements, at) {
  return (elements ?? []).map((e) => styled(piece(e, at), e.style));
}

function piece(e, at) {
  switch (e.type) {
    case 'text': return e.style?.code ? [e.text] : lines(e.text ?? '');
    case 'link': return link(e.url, e.text ?? e.url);
    case 'user': return mention(`@${at.name(e.user_id)}`);
    case 'channel': return mention(`#${at.name(e.channel_id)}`);
    case 'usergroup': return mention(`@${e.usergroup_id}`);
    case 'broadcast': return mention(`@${e.range}`, 'loud');
    case 'emoji': return e.unicode ? String.fromCodePoint(...e.unicode.split('-').map((c) => parseInt(c, 16))) : emoji(`:${e.name}:`);
    case 'date': return moment(e.timestamp, e.format, e.fallback);
    default: return `[${e.type}]`;
  }
}

function styled(inside, style) {
  let node = [inside];
  for (const [name, tag] of [['code', 'code'], ['strike', 's'], ['italic', 'em'], ['bold', 'strong']]) {
    if (style?.[name]) node = [el(tag, {}, node)];
  }
  return node;
}

function mention(name, more = '') { return el('span', { class: `mention ${more}`, text: name }); }

// moment shows a time in the reader's zone, as the format asks.
function moment(unix, format, fallback) {
  const date = new Date(Number(unix) * 1000);
  if (Number.isNaN(date.getTime())) return fallback ?? '';
  const day = { year: 'numeric', month: 'long', day: 'numeric' };
  const forms = {
    date: day, date_long: { ...day, weekday: 'long' }, date_short: { ...day, month: 'short' }, date_num: { year: 'numeric', month: '2-digit', day: '2-digit' },
    time: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }, time_secs: { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  };
  const said = (format ?? '{date_short} {time}').replace(/\{(\w+)\}/g, (all, name) => {
    const form = forms[name.replace(/_pretty$/, '')] ?? forms.date_short;
    return (name.endsWith('_pretty') && dayOf(date)) || clock(date, form);
  });
  return el('time', { datetime: date.toISOString(), title: fallback, text: said });
}

// Markdown of Slack's own kind

export function mrkdwn(source, at) {
  return source.split('```').flatMap((part, i) => (i % 2 === 1 ? [el('pre', { text: entities(part.replace(/^\n|\n$/g, '')) })] : paragraphs(part, at)));
}

function paragraphs(source, at) {
  const out = [];
  let quote = null;
  source.split('\n').forEach((line, i) => {
    const quoted = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (quoted) {
      if (quote) quote.append(el('br'));
      else out.push(quote = el('blockquote'));
      quote.append(...inline(quoted[1], at));
      return;
    }
    if (i > 0 && !quote) out.push(el('br'));
    quote = null;
    out.push(...inline(line, at));
  });
  return out;
}

const marks = /`([^`]+)`|<([^<>]+)>|(?<![\p{L}\p{N}])(\*)(\S|\S.*?\S)\*(?![\p{L}\p{N}])|(?<![\p{L}\p{N}])(_)(\S|\S.*?\S)_(?![\p{L}\p{N}])|(?<![\p{L}\p{N}])(~)(\S|\S.*?\S)~(?![\p{L}\p{N}])/u;

function inline(source, at) {
  const out = [];
  let rest = source;
  for (let m = marks.exec(rest); m; m = marks.exec(rest)) {
    out.push(emoji(entities(rest.slice(0, m.index))));
    if (m[1] !== undefined) out.push(el('code', { text: entities(m[1]) }));
    else if (m[2] !== undefined) out.push(angle(m[2], at));
    else if (m[3]) out.push(el('strong', {}, inline(m[4], at)));
    else if (m[5]) out.push(el('em', {}, inline(m[6], at)));
    else out.push(el('s', {}, inline(m[8], at)));
    rest = rest.slice(m.index + m[0].length);
  }
  out.push(emoji(entities(rest)));
  return out.filter((s) => s !== '');
}

function angle(inside, at) {
  const [target, label] = inside.split(/\|(.*)/s);
  if (target.startsWith('@')) return mention(`@${at.name(target.slice(1))}`);
  if (target.startsWith('#')) return mention(`#${label ?? at.name(target.slice(1))}`);
  if (target.startsWith('!date^')) {
    const [, unix, format] = target.split('^');
    return moment(unix, format, entities(label ?? ''));
  }
  if (target.startsWith('!')) return mention(`@${target.slice(1).split('^')[0]}`, 'loud');
  return link(entities(target), entities(label ?? target));
}
