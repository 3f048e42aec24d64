// The page: one person at a time, in one room of one chat, as that chat's client shows it.
import { avatar, el, link, rebuild } from './dom.js';
import * as feishu from './feishu.js';
import * as fields from './fields.js';
import * as slack from './slack.js';
import { clock, language, live, speak, t } from './words.js';

const $ = (id) => document.getElementById(id);

let world; // chats and people
let sight = { places: [], messages: [], thread: [], form: null };
// at is where the page is: who looks into which room of which chat.
const at = { who: '', chat: '', room: '', thread: '', tab: 'messages' };
let home = null; // the home page, while it is shown
const seen = JSON.parse(sessionStorage.getItem('seen') ?? '{}'); // how many messages were seen, by person and room
const bots = new Set(); // the bot's accounts
const previews = new Map(); // what was shown below pasted links, by link

// Asking the server

async function ask(path, body) {
  const options = body && { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await fetch(path, options);
  return answer.json();
}

let looking = false;
let again = false;

// look asks for what is to be seen now; questions that overlap become one.
async function look() {
  if (looking) {
    again = true;
    return;
  }
  looking = true;
  try {
    do {
      again = false;
      const asked = key();
      const now = await ask(`/api/look?${new URLSearchParams({ who: at.who, chat: at.chat, room: at.room, thread: at.thread })}`);
      if (asked !== key()) again = true;
      else if (!now.error) {
        sight = now;
        for (const m of now.messages) if (m.bot) bots.add(m.author);
        settle();
        show();
      }
    } while (again);
  } finally {
    looking = false;
  }
}

const key = () => JSON.stringify([at.who, at.chat, at.room, at.thread]);

// act has the person do something, and tells what the platform showed for it.
async function act(deed) {
  document.body.toggleAttribute('data-busy', true);
  try {
    const out = await ask('/api/do', { who: at.who, chat: at.chat, room: at.room, thread: at.thread, ...deed });
    if (out.error) toast(out.gone ? t('gone') : t('failed') + out.error, 'error');
    else if (out.toast && chat().look !== 'slack') toast(out.toast, out.kind);
    return out;
  } catch (error) {
    toast(t('failed') + error.message, 'error');
    return { error: error.message };
  } finally {
    document.body.toggleAttribute('data-busy', false);
    look();
  }
}

// Where the page is

const chat = () => world.chats.find((c) => c.id === at.chat);
const place = () => sight.places.find((p) => p.chat === at.chat && p.id === at.room);
const drawer = () => (chat().look === 'feishu' ? feishu : slack);

// settle finds a room if none is open, and notes what was seen.
function settle() {
  if (!place()) {
    const first = sight.places.find((p) => p.chat === at.chat) ?? sight.places[0];
    if (first) go({ chat: first.chat, room: first.id, thread: '', tab: 'messages' }, false);
    return;
  }
  seen[`${at.who} ${at.chat} ${at.room}`] = place().count;
  sessionStorage.setItem('seen', JSON.stringify(seen));
}

function go(to, turn = true) {
  Object.assign(at, to);
  history.replaceState(null, '', `#${new URLSearchParams({ who: at.who, chat: at.chat, room: at.room, thread: at.thread, lang: language() })}`);
  if (turn) document.body.dataset.view = at.thread ? 'thread' : 'room';
  look();
}

// names are those of accounts and rooms of the chat.
function name(id) {
  const person = world.people.find((p) => p.accounts[at.chat] === id);
  if (person) return person.name;
  if (bots.has(id)) return 'Slipway';
  return bare(sight.places.find((p) => p.id === id)?.name ?? id);
}

// accounts are the people of the chat, as choices of a field.
function accounts() {
  return world.people.filter((p) => p.accounts[at.chat]).map((p) => ({ value: p.accounts[at.chat], label: p.name }));
}

// Showing

function show() {
  live(world.people.find((p) => p.name === at.who)?.zone);
  document.body.dataset.look = chat().look;
  document.title = `${at.who} · ${place()?.name ?? ''} · ${chat().name}`;
  showRail();
  if (!place()) return;
  showHead();
  showList();
  showThread();
  showForm();
  showComposer($('composer'), '');
}

function showRail() {
  const unread = (p) => Math.max(0, p.count - (seen[`${at.who} ${p.chat} ${p.id}`] ?? 0));
  const rooms = sight.places.map((p) => [p.chat, p.id, p.name, p.direct, unread(p)]);
  $('rail').setAttribute('aria-label', t('rooms'));
  rebuild($('rail'), [rooms, at.who, at.chat, at.room, language()], () => [
    el('div', { class: 'me' },
      avatar(at.who),
      el('label', {}, el('span', { class: 'small', text: t('you') }), choosePerson()),
      el('button', { class: 'plain', 'data-key': 'language', onclick: turnLanguage, text: t('language') })),
    world.chats.map((c) => el('section', { 'data-look': c.look },
      el('h2', { text: c.name }),
      el('ul', {}, sight.places.filter((p) => p.chat === c.id).map((p) => {
        const here = p.chat === at.chat && p.id === at.room;
        return el('li', {}, el('button', {
          class: 'place', 'data-key': `${p.chat} ${p.id}`, 'aria-current': here ? 'true' : undefined,
          onclick: () => go({ chat: p.chat, room: p.id, thread: '', tab: 'messages' }),
        }, el('span', { class: 'sign', 'aria-hidden': 'true', text: p.direct ? '●' : c.look === 'slack' ? '#' : '◇' }), el('span', { class: 'name', text: bare(p.name) }),
        unread(p) > 0 && el('span', { class: 'badge', 'aria-label': t('unread', unread(p)), text: unread(p) })));
      })))),
    el('footer', {}, el('p', { text: t('about') }), world.console && el('p', {}, link(world.console, t('console')))),
  ]);
}

const bare = (room) => room.replace(/^#/, '');

function choosePerson() {
  const node = el('select', { 'data-key': 'who', onchange: () => become(node.value) },
    world.people.map((p) => el('option', { value: p.name, text: p.note ? `${p.name} (${p.note})` : p.name })));
  node.value = at.who;
  return node;
}

// become changes who looks, and stays in the room if they are in it.
function become(who) {
  home = null;
  sight.form = null;
  $('toasts').replaceChildren();
  go({ who, thread: '', tab: 'messages' }, false);
}

function turnLanguage() {
  speak(language() === 'en' ? 'zh' : 'en');
  go({}, false);
  show();
}

function showHead() {
  const p = place();
  rebuild($('head'), [p.id, p.name, p.direct, at.tab, at.chat, language()], () => [
    el('button', { class: 'back plain', 'aria-label': t('back'), 'data-key': 'back', onclick: () => { document.body.dataset.view = 'list'; }, text: '‹' }),
    el('h1', {}, !p.direct && chat().look === 'slack' && el('span', { class: 'sign', text: '# ' }), bare(p.name)),
    p.direct && el('div', { class: 'tabs' }, ['messages', 'home'].map((tab) => el('button', {
      class: 'tab', 'data-key': tab, 'aria-pressed': at.tab === tab ? 'true' : 'false', text: t(tab), onclick: () => openTab(tab),
    }))),
  ]);
}

async function openTab(tab) {
  at.tab = tab;
  if (tab === 'home') {
    const out = await act({ what: 'home' });
    home = out.home ?? null;
    // What stands for the home page may be a message of the room.
    if (home && sight.messages.some((m) => m.id === home.id)) at.tab = 'messages';
  }
  show();
}

function showList() {
  const list = $('list');
  $('composer').hidden = at.tab === 'home';
  if (at.tab === 'home') {
    rebuild(list, [home, at.who, language()], () => el('article', { class: 'home' }, home ? content(home) : el('p', { class: 'hint', text: t('homeEmpty') })));
    return;
  }
  stick(list, () => messages(list, sight.messages, true));
}

// stick keeps a list at its end if it was there.
function stick(list, change) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80 || list.dataset.of !== `${at.who} ${at.chat} ${at.room}`;
  change();
  list.dataset.of = `${at.who} ${at.chat} ${at.room}`;
  if (atEnd) list.scrollTop = list.scrollHeight;
}

// messages shows a list of them; those that have not changed are left alone.
function messages(list, all, threads) {
  const there = new Map([...list.children].filter((n) => n.dataset.id).map((n) => [n.dataset.id, n]));
  const nodes = all.map((m) => {
    const id = `${at.who} ${at.chat} ${m.room} ${m.id}`;
    const node = there.get(id) ?? el('article', { 'data-id': id, tabindex: '-1' });
    node.className = `message ${m.bot ? 'bot' : ''} ${m.only ? 'only' : ''} ${m.author === me() ? 'mine' : ''}`;
    rebuild(node, [m, isOpen(m) && sight.form, previews.get(m.text), at.who, language()], () => message(m, threads));
    return node;
  });
  if (nodes.length === 0) nodes.push(el('p', { class: 'empty', text: t('empty') }));
  if (nodes.length !== list.children.length || nodes.some((n, i) => list.children[i] !== n)) list.replaceChildren(...nodes);
}

const me = () => world.people.find((p) => p.name === at.who)?.accounts[at.chat];

function message(m, threads) {
  const author = m.bot ? 'Slipway' : name(m.author);
  const date = new Date(m.at);
  return [
    avatar(author, m.bot ? 'square' : ''),
    el('div', { class: 'said' },
      m.only && el('p', { class: 'only-you' }, el('span', { 'aria-hidden': 'true', text: '👁 ' }), t('only')),
      el('p', { class: 'by' }, el('strong', { text: author }), m.bot && el('span', { class: 'app', text: chat().look === 'feishu' ? t('bot') : t('app') }),
        el('time', { datetime: m.at, title: clock(date, { dateStyle: 'long', timeStyle: 'medium' }), text: clock(date) })),
      el('div', { class: 'content' }, content(m), m.edits > 0 && !m.raw && el('span', { class: 'small', text: t('edited') })),
      previews.has(m.text) && el('div', { class: 's-attachment', 'aria-label': t('preview') }, el('p', { class: 'pre', text: previews.get(m.text) })),
      threads && !m.only && el('p', { class: 'under' }, el('button', {
        class: 'plain', 'data-key': 'thread', onclick: () => go({ thread: m.id }),
        text: m.replies > 0 ? t('replies', m.replies) : t('reply'), 'data-some': m.replies > 0 ? true : undefined,
      }))),
  ];
}

// content draws what a message holds. Each button that the platform's drawing has is
// matched with the button that the person can press; what is left over is put below.
function content(m) {
  const left = [...(m.buttons ?? [])];
  const press = (b, asks) => confirmed(b, asks, async (yes) => {
    await act({ what: 'press', room: m.room, message: m, button: { ...b, yes } });
    if (at.tab === 'home') openTab('home');
  });
  const drawing = {
    name,
    button(label, { class: kind, url, confirm, disabled, why }, inside) {
      const i = left.findIndex((b) => b.label === label);
      const b = i < 0 ? null : left.splice(i, 1)[0];
      if (url) return el('span', { class: `${kind} link` }, link(url, inside));
      return el('button', {
        type: 'button', class: kind, 'data-key': b ? `press ${b.handle}` : undefined, disabled: disabled || !b || b.disabled, title: why || undefined,
        onclick: () => press(b, confirm),
      }, inside);
    },
    menu(label, options) {
      const menu = el('details', { class: 'menu' }, el('summary', { 'aria-label': t('more'), 'data-key': `menu ${left.length}` }, label), el('div', { class: 'options' }, options));
      menu.addEventListener('keydown', (e) => {
        if (e.key === 'Escape') menu.open = false;
      });
      return menu;
    },
    form: () => isOpen(m) && inCard(),
  };
  let nodes = m.raw && typeof m.raw === 'object' ? drawer().draw(m.raw, drawing) : [];
  if (nodes.length === 0) nodes = [el('p', { class: 'pre', text: m.text })];
  if (left.length > 0 && !(m.raw && typeof m.raw === 'object')) {
    nodes.push(el('div', { class: 's-actions' }, left.splice(0).map((b) => (b.url ? link(b.url, b.label) : el('button', {
      type: 'button', class: `s-button ${b.style ?? ''}`, disabled: b.disabled, 'data-key': `press ${b.handle}`, text: b.label, onclick: () => press(b),
    })))));
  }
  return nodes;
}

// confirmed asks the button's question first, and tells whether there was one.
function confirmed(b, asks, then) {
  if (!b.question) {
    then(false);
    return;
  }
  const dialog = $('ask');
  const end = (yes) => {
    dialog.close();
    if (yes) then(true);
  };
  dialog.replaceChildren(
    el('h2', { id: 'ask-title', text: asks?.title || t('sure') }),
    el('p', { class: 'pre', text: asks?.text || b.question }),
    el('div', { class: 'buttons' },
      el('button', { type: 'button', class: 'quiet', text: asks?.no || t('cancel'), onclick: () => end(false) }),
      el('button', { type: 'button', class: `strong ${b.style ?? ''}`, text: asks?.yes || t('yes'), onclick: () => end(true), autofocus: true })));
  dialog.setAttribute('aria-labelledby', 'ask-title');
  dialog.showModal();
}

// Threads

function showThread() {
  const panel = $('thread');
  const parent = sight.messages.find((m) => m.id === at.thread);
  panel.hidden = !parent;
  if (!parent) {
    if (document.body.dataset.view === 'thread') document.body.dataset.view = 'room';
    return;
  }
  if (!panel.firstChild) {
    panel.append(el('header'), el('div', { class: 'list', role: 'log', tabindex: '0' }), el('form', { class: 'composer' }));
  }
  const [head, list, composer] = panel.children;
  panel.setAttribute('aria-label', t('thread'));
  rebuild(head, [at.room, at.thread, language()], () => [
    el('h2', { text: t('thread') }),
    el('button', { class: 'plain', 'data-key': 'close', 'aria-label': t('close'), onclick: () => go({ thread: '' }), text: '✕' }),
  ]);
  stick(list, () => messages(list, [parent, ...sight.thread], false));
  showComposer(composer, at.thread);
}

// Writing

function showComposer(node, thread) {
  const hint = place().direct ? 'hintDirect' : chat().look === 'feishu' || thread ? 'hintFeishu' : 'hintSlack';
  rebuild(node, [at.who, at.chat, at.room, thread, language()], () => {
    const box = el('textarea', {
      rows: 1, 'data-key': 'box', 'aria-label': thread ? t('inThread') : t('to', place().name), placeholder: thread ? t('inThread') : t(hint),
    });
    const grow = () => {
      box.style.height = 'auto';
      box.style.height = `${Math.min(box.scrollHeight + 2, 200)}px`;
    };
    const send = () => {
      const said = box.value.trim();
      if (!said) return;
      box.value = '';
      grow();
      say(said, thread);
    };
    box.addEventListener('input', grow);
    box.addEventListener('keydown', (e) => {
      if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) {
        e.preventDefault();
        send();
      }
    });
    node.onsubmit = (e) => {
      e.preventDefault();
      send();
    };
    return [box, el('button', { class: 'strong', text: t('send') })];
  });
}

// say finds out whether a text is for the bot.
async function say(said, thread) {
  const [, sign, command] = /^(\/plan|@slipway)(?:\s+([\s\S]*))?$/i.exec(said) ?? [];
  if (sign) await act({ what: sign === '/plan' ? 'command' : 'mention', thread, text: (command ?? '').trim() });
  else if (place().direct) await act({ what: chat().look === 'slack' ? 'write' : 'command', thread, text: said });
  else if (/^https?:\/\/\S+$/.test(said) && !thread) {
    const out = await act({ what: 'paste', text: said });
    if (out.preview && chat().look !== 'slack') previews.set(said, out.preview); // Slack's messages hold it
    show();
  } else await act({ what: 'write', thread, text: said });
}

// Forms

let drawn = null; // the open form: what it is made of, and its fields

// isOpen tells whether a message is the form that is open.
function isOpen(m) {
  return Boolean(sight.form?.raw) && chat().look === 'feishu' && JSON.stringify(sight.form.raw) === JSON.stringify(m.raw);
}

// formFields draws the fields of the open form. What was typed survives a redrawing.
function formFields() {
  const { form } = sight;
  const before = drawn?.title === form.title && drawn.of === place().id ? fields.values(drawn.fields) : {};
  const redrawn = drawn && form.fields.some((f) => f.error);
  const list = form.fields.map((f) => fields.draw(f, accounts(), redrawn ? before[f.label] : undefined));
  drawn = { title: form.title, of: place().id, fields: list };
  return list;
}

const send = () => act({ what: 'fill', values: fields.values(drawn.fields) });

// inCard is the open form inside the card that holds it.
function inCard() {
  const { form } = sight;
  return el('form', { class: 'f-form', novalidate: true, onsubmit: (e) => { e.preventDefault(); send(); } },
    form.error && el('p', { class: 'error', role: 'alert', text: form.error }),
    formFields().map((f) => f.node),
    el('div', { class: 'buttons' }, el('button', { class: 'f-button primary', 'data-key': 'submit', text: form.submit })));
}

// showForm shows the open form as a dialog, on platforms that have dialogs.
function showForm() {
  const dialog = $('form');
  const { form } = sight;
  const modal = form && (chat().look !== 'feishu' || !form.raw);
  if (!modal) {
    if (dialog.open) dialog.close();
    if (!form) drawn = null;
    rebuild(dialog, null, () => []);
    return;
  }
  dialog.setAttribute('aria-labelledby', 'form-title');
  rebuild(dialog, [form, at.who, language()], () => {
    const list = formFields();
    const rest = list.map((f) => f.node);
    const inside = slackForm(form, rest);
    return el('form', { novalidate: true, onsubmit: (e) => { e.preventDefault(); send(); } },
      el('header', {}, el('h2', { id: 'form-title', text: form.title }),
        el('button', { type: 'button', class: 'plain', 'data-key': 'close', 'aria-label': t('close'), text: '✕', onclick: () => act({ what: 'close' }) })),
      el('div', { class: 'scroll' }, form.error && el('p', { class: 'error', role: 'alert', text: form.error }), inside, rest),
      el('div', { class: 'buttons' },
        el('button', { type: 'button', class: 'quiet', 'data-key': 'cancel', text: t('cancel'), onclick: () => act({ what: 'close' }) }),
        el('button', { class: 'strong', 'data-key': 'submit', text: form.submit })));
  });
  dialog.oncancel = (e) => {
    e.preventDefault();
    act({ what: 'close' });
  };
  if (!dialog.open) {
    dialog.showModal();
    dialog.querySelector('input, textarea, select')?.focus();
  }
  dialog.querySelector('.wrong input, .wrong textarea, .wrong select')?.focus();
}

// slackForm draws the blocks of a modal with the fields in the places of its inputs, and
// takes the fields that it placed out of rest.
function slackForm(form, rest) {
  const nodes = form.raw ? slack.draw(form.raw, {
    name, button: (label, { class: kind, url }) => (url ? link(url, label) : el('span', { class: kind, text: label })), menu: () => null, input: () => rest.shift(),
  }) : [];
  return nodes.length > 0 ? nodes : form.text && el('p', { class: 'pre', text: form.text });
}

// Notes

function toast(said, kind = 'info') {
  const node = el('p', { class: `toast ${kind}` }, el('span', { text: said }), el('button', { class: 'plain', 'aria-label': t('close'), text: '✕', onclick: () => node.remove() }));
  $('toasts').append(node);
  setTimeout(() => node.remove(), kind === 'error' ? 12_000 : 6_000);
}

// Beginning

function listen() {
  const source = new EventSource('/api/live');
  source.onmessage = () => look();
  source.onerror = () => document.body.toggleAttribute('data-lost', true);
  source.onopen = () => document.body.toggleAttribute('data-lost', false);
}

world = await ask('/api/world');
const wanted = new URLSearchParams(location.hash.slice(1));
speak(wanted.get('lang') ?? world.lang);
at.who = world.people.some((p) => p.name === wanted.get('who')) ? wanted.get('who') : world.people[0].name;
at.chat = world.chats.some((c) => c.id === wanted.get('chat')) ? wanted.get('chat') : world.chats[0].id;
at.room = wanted.get('room') ?? '';
at.thread = wanted.get('thread') ?? '';
if (at.room) document.body.dataset.view = at.thread ? 'thread' : 'room'; // a phone shows one at a time
document.addEventListener('click', (e) => {
  for (const menu of document.querySelectorAll('details.menu[open]')) if (!menu.contains(e.target) || e.target.closest('.options')) menu.open = false;
});
listen();
