// The console's own script: live updates, dialogs, confirmation, the composer and the
// editor of a form's entries. Pages work without it, but for live updates and for
// adding entries to a form.
(() => {
  'use strict';
  const $ = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const body = document.body;

  // What a person has unfolded stays unfolded, and a log that grows here stays, while a
  // page is brought up to date.
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !(name === 'open' && node.localName === 'details');
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (old) =>
    !(old.nodeType === Node.ELEMENT_NODE && old.matches('[data-log]'));

  // --- Live updates -------------------------------------------------------------

  // A notice only says that something has changed; the page then asks for its newest
  // state. Hidden pages hold no connection, because browsers allow few per host.
  let source = null;
  let query = '';
  let lost = 0;
  const refresh = () => htmx.trigger(body, 'changed');

  function connect() {
    const wanted = $('#live')?.dataset.live ?? body.dataset.live ?? '';
    if (document.hidden || !wanted) return disconnect();
    if (source && wanted === query && source.readyState !== EventSource.CLOSED) return undefined;
    const again = source !== null || lost > 0;
    disconnect();
    query = wanted;
    source = new EventSource('/live?' + query);
    source.addEventListener('hello', () => {
      if (again || lost > 0) refresh();
      lost = 0;
      $('#offline').hidden = true;
    });
    source.addEventListener('changed', (e) => {
      if (e.data.startsWith('run:')) tail(e.data.slice(4));
      else refresh();
    });
    source.addEventListener('error', () => {
      lost += 1;
      if (lost > 1) $('#offline').hidden = false;
      if (source && source.readyState === EventSource.CLOSED) setTimeout(connect, Math.min(30000, 2000 * lost));
    });
    return undefined;
  }

  // A refresh that did not get through is tried again until it does.
  let retry = 0;
  body.addEventListener('htmx:afterRequest', (e) => {
    if (e.detail.elt.id !== 'live') return;
    clearTimeout(retry);
    const failed = !e.detail.xhr.status || e.detail.xhr.status >= 500;
    if (failed) retry = setTimeout(refresh, 3000);
    $('#offline').hidden = !failed && lost < 2;
  });
  window.addEventListener('online', refresh);

  function disconnect() {
    source?.close();
    source = null;
  }

  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      disconnect();
      lost = Math.max(lost, 1);
    } else {
      connect();
    }
  });
  window.addEventListener('pagehide', disconnect);

  // --- Logs of runs -------------------------------------------------------------

  // Each log shows its lines up to data-after; asking again fetches what follows. One that
  // shows none yet begins with the last ones. The answer also tells whether the page
  // shows an older state of the run.
  async function follow(log) {
    if (log.dataset.busy) {
      log.dataset.more = '1';
      return;
    }
    log.dataset.busy = '1';
    try {
      for (let more = true; more;) {
        delete log.dataset.more;
        const from = log.dataset.after ? `after=${log.dataset.after}` : 'tail';
        const answer = await fetch(`${log.dataset.log}?${from}`, { headers: { Accept: 'application/json' } });
        if (!answer.ok) return;
        const page = await answer.json();
        if (page.look !== log.closest('.run').dataset.look) refresh();
        const bottom = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
        if (!log.dataset.after && page.lines[0]?.seq > 1) log.append(log.dataset.before.replace('0', page.lines[0].seq - 1) + '\n');
        for (const line of page.lines) {
          log.append((line.job ? `[${line.job}] ` : '') + line.text + '\n');
          log.dataset.after = line.seq;
        }
        if (bottom) log.scrollTop = log.scrollHeight;
        more = page.more || log.dataset.more === '1';
      }
    } catch {
      // The next notice asks again.
    } finally {
      delete log.dataset.busy;
    }
  }

  const tail = (run) => all('[data-log]').filter((log) => log.dataset.run === run && log.closest('details')?.open !== false).forEach(follow);
  document.addEventListener('toggle', (e) => {
    if (e.target.open) all('[data-log]', e.target).forEach(follow);
  }, true);
  const followAll = () => all('details[open] [data-log]').forEach(follow);

  // --- How long a run has taken so far --------------------------------------------

  // Counted from when the page said it, so that no two clocks have to agree.
  const ran = new WeakMap();
  const chinese = document.documentElement.lang.startsWith('zh');
  function took(ms) {
    const s = Math.round(ms / 1000);
    if (s < 60) return `${Math.max(1, s)} ${chinese ? '秒' : 's'}`;
    const min = Math.round(s / 60);
    if (s < 90 * 60) return `${min} ${chinese ? '分钟' : 'min'}`;
    const rest = min % 60 ? ` ${min % 60} ${chinese ? '分钟' : 'min'}` : '';
    return `${Math.floor(min / 60)} ${chinese ? '小时' : 'h'}${rest}`;
  }
  function count() {
    for (const span of all('[data-ran]')) {
      const said = span.dataset.ran;
      if (ran.get(span)?.said !== said) ran.set(span, { said, at: performance.now() });
      span.textContent = took(Number(said) + performance.now() - ran.get(span).at);
    }
  }
  setInterval(count, 5000);

  // --- Menus --------------------------------------------------------------------

  // A menu closes when it was used, and gives the focus back to what opens it.
  function shut(menu) {
    if (!menu?.open) return;
    if (menu.contains(document.activeElement)) $('summary', menu).focus();
    menu.open = false;
  }
  body.addEventListener('htmx:beforeRequest', (e) => shut(e.detail.elt.closest('details.more')));
  document.addEventListener('toggle', (e) => {
    if (e.target.open && e.target.matches('details.more')) $('div', e.target).scrollIntoView({ block: 'nearest' });
  }, true);

  // --- Presses ------------------------------------------------------------------

  // The id of a press: the same press sent twice is one event, the next press another.
  function freshPress(form) {
    const field = form.elements?.namedItem('press');
    if (!field) return;
    field.value = [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');
  }
  body.addEventListener('htmx:afterRequest', (e) => {
    const form = e.detail.elt;
    if (form.localName !== 'form' || !e.detail.xhr.status) return;
    freshPress(form);
    if (form.id === 'composer' && e.detail.successful) {
      form.elements.text.value = '';
      form.elements.text.focus();
      suggest();
      sentAt = performance.now();
    }
  });
  window.addEventListener('pageshow', (e) => {
    if (e.persisted) all('form').forEach(freshPress);
  });
  body.addEventListener('htmx:sendError', (e) => {
    if (e.detail.elt.localName === 'form') toast($('#trouble').textContent, 'failed');
  });

  // --- Dialogs, confirmation, toasts ----------------------------------------------

  const dialog = $('#dialog');
  const confirmation = $('#confirm');
  const toasts = $('#toasts');

  // A modal dialog lies above everything else, so toasts are shown inside it.
  const moveToasts = (to) => { if (toasts.parentElement !== to) to.append(toasts); };
  const placeToasts = () => moveToasts(dialog.open ? dialog : body);
  body.addEventListener('htmx:beforeSwap', (e) => { if (e.detail.target === dialog) moveToasts(body); });
  // The newest answer is for the dialog. One that is not must not open again what it has
  // just closed: htmx tells of a swap even if there was only a toast.
  let forDialog = false;
  body.addEventListener('htmx:afterSwap', (e) => {
    if (e.detail.target !== dialog || !forDialog || !$('.body', dialog)) return;
    prepare(dialog);
    if (!dialog.open) dialog.showModal();
    placeToasts();
    ($('[aria-invalid=true]', dialog) ?? $('.body input:not([type=hidden]), .body select, .body textarea', dialog))?.focus();
  });
  body.addEventListener('answered', (e) => {
    forDialog = e.detail.open;
    if (!forDialog && dialog.open) dialog.close();
  });
  dialog.addEventListener('close', () => {
    placeToasts();
    dialog.replaceChildren();
  });

  // A form whose press has to be confirmed says how. Without a script the question is sent
  // along, and the answer to the press is a page that asks it.
  const question = (form) => form.elements?.namedItem('confirm');
  function ask(form, act) {
    const { title, text: asked, yes: yesText, no: noText } = JSON.parse(question(form).value);
    shut(form.closest('details.more'));
    $('#confirm-title').textContent = title;
    $('#confirm-text').textContent = asked;
    const yes = $('#confirm-yes');
    const no = $('#confirm-no');
    yes.textContent = yesText;
    no.textContent = noText;
    yes.className = 'danger' in form.dataset ? 'danger solid' : 'primary';
    yes.onclick = () => {
      confirmation.close();
      act();
    };
    no.onclick = () => confirmation.close();
    confirmation.showModal();
    no.focus();
  }

  // While a question is open the page may be brought up to date, and the form of the
  // button become that of another: what was asked about is sent all the same, and
  // refused with what happened meanwhile.
  const does = (form) => JSON.stringify([...new FormData(form)].filter(([name]) => name !== 'press'));
  function sendAsItWas(form) {
    form.hidden = true;
    question(form).remove();
    form.addEventListener('htmx:afterRequest', () => setTimeout(() => form.remove()));
    body.append(form);
    htmx.process(form);
    htmx.trigger(form, 'submit');
  }
  body.addEventListener('htmx:confirm', (e) => {
    const form = e.detail.elt;
    if (!question(form)) return;
    e.preventDefault();
    const asked = form.cloneNode(true);
    ask(form, () => {
      if (form.isConnected && does(form) === does(asked)) e.detail.issueRequest(true);
      else sendAsItWas(asked);
    });
  });
  body.addEventListener('htmx:configRequest', (e) => e.detail.formData.delete('confirm'));

  // Other forms load a page. What was sent once is not sent again by a second press, until
  // the page is shown anew.
  body.addEventListener('submit', (e) => {
    const form = e.target;
    if (form.method !== 'post' || form.hasAttribute('hx-post')) return;
    const asks = question(form);
    if ('sent' in form.dataset) {
      e.preventDefault();
    } else if (asks && !asks.disabled) {
      e.preventDefault();
      ask(form, () => {
        asks.disabled = true;
        form.requestSubmit(e.submitter);
      });
    } else {
      form.dataset.sent = '1';
    }
  });
  window.addEventListener('pageshow', () => all('form[data-sent]').forEach((form) => {
    delete form.dataset.sent;
    const asks = question(form);
    if (asks) asks.disabled = false;
  }));

  function fade(note) {
    setTimeout(() => note.remove(), note.classList.contains('tone-failed') ? 14000 : 6000);
  }
  function toast(text, tone) {
    const note = document.createElement('div');
    note.className = `toast tone-${tone}`;
    note.setAttribute('role', 'alert');
    const p = document.createElement('p');
    p.textContent = text;
    note.append(p);
    toasts.append(note);
    placeToasts();
    fade(note);
  }
  body.addEventListener('htmx:oobAfterSwap', () => all('.toast:not([data-seen])').forEach((note) => {
    note.dataset.seen = '1';
    fade(note);
  }));

  body.addEventListener('click', async (e) => {
    const on = (selector) => e.target.closest(selector);
    if (on('[data-close]') && dialog.open) {
      e.preventDefault();
      dialog.close();
    } else if (on('[data-dismiss]')) {
      on('.toast').remove();
    } else if (on('[data-copy]')) {
      const button = on('[data-copy]');
      const field = $(button.dataset.copy);
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
        button.textContent = button.dataset.done;
      } catch {
        // The text is selected and can be copied by hand.
      }
    } else if (on('[data-row]')) {
      editRows(on('[data-row]'));
    } else if (on('#hints button')) {
      const text = $('#text');
      text.value = on('#hints button').dataset.fill;
      text.focus();
      text.setSelectionRange(text.value.length, text.value.length);
      suggest();
    }
    all('details.more[open]').filter((menu) => !menu.contains(e.target)).forEach(shut);
  });
  body.addEventListener('keydown', (e) => {
    if (e.key === 'Escape') all('details.more[open]').forEach(shut);
  });

  // --- Forms ----------------------------------------------------------------------

  // Fields that only matter for a certain answer are shown, and sent, only then.
  function showFields(form) {
    for (const field of all('[data-show-field]', form)) {
      const other = form.elements.namedItem(field.dataset.showField);
      if (!other) continue;
      const value = other.type === 'checkbox' ? String(other.checked) : other.value;
      field.hidden = value !== field.dataset.showIs;
      all('input, select, textarea', field).forEach((control) => { control.disabled = field.hidden; });
    }
  }

  // Entries are numbered in the order in which they are shown.
  function number(group) {
    const name = group.dataset.group;
    all(':scope > .rows > [data-entry]', group).forEach((entry, i) => {
      $('[data-number]', entry).textContent = i + 1;
      for (const node of all('*', entry)) {
        for (const attribute of ['name', 'data-show-field']) {
          const value = node.getAttribute(attribute);
          if (value?.startsWith(name + '[')) node.setAttribute(attribute, value.replace(/\[\d+\]/, `[${i}]`));
        }
      }
    });
  }

  let made = 0;
  function editRows(button) {
    const group = button.closest('[data-group]');
    const rows = $('.rows', group);
    const entry = button.closest('[data-entry]');
    switch (button.dataset.row) {
      case 'add': {
        const added = $('template', group).content.firstElementChild.cloneNode(true);
        made += 1;
        for (const attribute of ['id', 'for', 'aria-describedby']) {
          all(`[${attribute}]`, added).forEach((node) => node.setAttribute(attribute, `${node.getAttribute(attribute)}-${made}`));
        }
        rows.append(added);
        $('input:not([type=hidden]), select, textarea', added)?.focus();
        break;
      }
      case 'remove': {
        const next = entry.nextElementSibling ?? entry.previousElementSibling;
        entry.remove();
        ($('[data-row=remove]', next ?? group) ?? $('[data-row=add]', group)).focus();
        break;
      }
      case 'up':
        entry.previousElementSibling?.before(entry);
        button.focus();
        break;
      case 'down':
        entry.nextElementSibling?.after(entry);
        button.focus();
        break;
      default:
    }
    number(group);
    showFields(group.closest('form'));
  }

  function prepare(from) {
    all('[data-group]', from).forEach(number);
    all('form', from).forEach(showFields);
  }
  body.addEventListener('change', (e) => {
    if (e.target.form) showFields(e.target.form);
  });
  body.addEventListener('input', (e) => {
    if (!e.target.matches('[data-filter]')) return;
    const text = e.target.value.toLowerCase();
    all('label', e.target.parentElement).forEach((label) => {
      label.hidden = !label.textContent.toLowerCase().includes(text) && !$('input', label).checked;
    });
  });

  // --- The composer -----------------------------------------------------------------

  const text = $('#text');
  function suggest() {
    if (!text) return;
    const typed = text.value.toLowerCase().trimStart();
    const matches = all('#hints button').filter((button) => {
      const word = button.dataset.word.toLowerCase();
      button.hidden = !(word.startsWith(typed) && word !== typed) && typed !== '';
      return !button.hidden;
    });
    text.dataset.first = typed && matches.length ? matches[0].dataset.fill : '';
  }
  text?.addEventListener('input', suggest);
  text?.addEventListener('keydown', (e) => {
    if (e.isComposing || e.keyCode === 229) return; // an input method is at work
    if (e.key === 'Enter' && !e.shiftKey) {
      e.preventDefault();
      if (text.value.trim()) text.form.requestSubmit();
    } else if (e.key === 'Tab' && !e.shiftKey && text.dataset.first) {
      e.preventDefault();
      text.value = text.dataset.first;
      suggest();
    }
  });
  document.addEventListener('keydown', (e) => {
    if (e.key === '/' && text && !e.target.closest('input, textarea, select, dialog')) {
      e.preventDefault();
      text.focus();
    }
  });

  // The newest message stays in sight as long as the person has not scrolled away, and
  // after something was sent.
  const log = $('#log');
  let stick = !location.hash;
  let sentAt = -Infinity;
  const toBottom = () => { if (log && stick) log.scrollTop = log.scrollHeight; };
  new ResizeObserver(toBottom).observe(log ?? body);
  body.addEventListener('htmx:beforeSwap', () => {
    if (log) stick = performance.now() - sentAt < 3000 || log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  });
  body.addEventListener('htmx:afterSwap', toBottom);

  // Whoever comes back to a room finds the place they left, and what they had typed.
  const room = `place ${location.pathname}${location.search}`;
  function leave() {
    if (!log) return;
    const { top } = log.getBoundingClientRect();
    const message = stick ? undefined : all('.msg', log).find((m) => m.getBoundingClientRect().bottom > top);
    sessionStorage.setItem(room, JSON.stringify({
      message: message?.id, above: message && message.getBoundingClientRect().top - top, typed: text.value,
    }));
  }
  function comeBack() {
    const [{ type } = {}] = performance.getEntriesByType('navigation');
    const place = log && ['back_forward', 'reload'].includes(type) && JSON.parse(sessionStorage.getItem(room));
    if (!place) return;
    if (!text.value) text.value = place.typed;
    const message = place.message && document.getElementById(place.message);
    if (!message) return;
    stick = false;
    log.scrollTop += message.getBoundingClientRect().top - log.getBoundingClientRect().top - place.above;
  }
  log?.addEventListener('scroll', () => { stick = log.scrollHeight - log.scrollTop - log.clientHeight < 80; });
  window.addEventListener('pagehide', leave);

  // What had the focus may be gone from the newest state: then what it was in has it.
  let held = [];
  body.addEventListener('htmx:beforeSwap', (e) => {
    held = [];
    if (e.detail.target.id !== 'live') return;
    for (let node = document.activeElement; node && node !== body; node = node.parentElement) if (node.id) held.push(node.id);
  });
  function hold() {
    if (document.activeElement !== body) return;
    const node = held.map((id) => document.getElementById(id)).find(Boolean);
    if (!node) return;
    if (!node.hasAttribute('tabindex')) node.tabIndex = -1;
    node.focus({ preventScroll: true });
  }

  body.addEventListener('htmx:afterSettle', () => {
    hold();
    toBottom();
    connect();
    followAll();
  });

  // What was done is told once, not after each reload.
  const here = new URL(location.href);
  if (here.searchParams.has('done')) {
    ['done', 'sent', 'found'].forEach((name) => here.searchParams.delete(name));
    history.replaceState(null, '', here);
  }

  prepare(document);
  comeBack();
  toBottom();
  connect();
  followAll();
})();
