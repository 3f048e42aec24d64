// The fields of a form, as screen.Form has them: both platforms' forms are made of these.
import { el } from './dom.js';
import { moment, t, wall } from './words.js';

// choices are the options of a field; people are those of the chat where it picks people
// by itself.
function choices(field, people) {
  if (field.options?.length) return field.options;
  return field.kind === 'person' || field.kind === 'people' ? people : [];
}

// local is a moment as a date-time field wants it, and seconds turns it back.
function local(unix) {
  const at = new Date(Number(unix) * 1000);
  return Number.isNaN(at.getTime()) || !unix ? '' : wall(at);
}

function seconds(text) {
  return text ? String(Math.floor(moment(text) / 1000)) : '';
}

// draw makes a field with its label. read returns what it holds now.
export function draw(field, people, draft) {
  const id = `field-${crypto.randomUUID()}`;
  const value = draft ?? field.value ?? [];
  const described = [field.hint && `${id}-hint`, field.error && `${id}-error`].filter(Boolean).join(' ') || undefined;
  const common = {
    id, 'data-key': `field ${field.label}`, 'aria-describedby': described, 'aria-invalid': field.error ? 'true' : undefined,
    'aria-required': field.required ? 'true' : undefined,
  };
  const maxlength = field.max > 0 && field.kind !== 'number' ? field.max : undefined;
  let input;
  let read;
  switch (field.kind) {
    case 'long':
      input = el('textarea', { ...common, rows: 4, maxlength });
      input.value = value[0] ?? '';
      read = () => [input.value];
      break;
    case 'select':
    case 'person': {
      input = el('select', common, el('option', { value: '', text: field.required ? t('choose') : field.kind === 'person' ? t('none') : '—' }));
      for (const o of choices(field, people)) input.append(el('option', { value: o.value, text: o.label }));
      input.value = value[0] ?? '';
      read = () => (input.value ? [input.value] : []);
      break;
    }
    case 'many':
    case 'people': {
      const boxes = choices(field, people).map((o) => {
        const box = el('input', { type: 'checkbox', value: o.value, 'data-key': `field ${field.label} ${o.value}` });
        box.checked = value.includes(o.value);
        return el('label', { class: 'choice' }, box, el('span', { text: o.label }));
      });
      input = el('div', { ...common, class: 'choices', role: 'group', 'aria-labelledby': `${id}-label` }, boxes);
      read = () => [...input.querySelectorAll('input:checked')].map((box) => box.value);
      break;
    }
    case 'check': {
      const box = el('input', { ...common, type: 'checkbox' });
      box.checked = value.length > 0 && value[0] !== '';
      const on = field.options?.[0]?.value ?? 'true';
      input = el('div', { class: 'choices' }, el('label', { class: 'choice' }, box, el('span', { text: field.options?.[0]?.label ?? t('yes') })));
      read = () => (box.checked ? [on] : []);
      break;
    }
    case 'time':
      input = el('input', { ...common, type: 'datetime-local' });
      input.value = local(value[0]);
      read = () => [seconds(input.value)];
      break;
    default:
      input = el('input', { ...common, type: 'text', inputmode: field.kind === 'number' ? 'numeric' : undefined, maxlength });
      input.value = value[0] ?? '';
      read = () => [input.value];
  }
  const grouped = input.getAttribute('role') === 'group';
  const node = el('div', { class: `field ${field.error ? 'wrong' : ''}` },
    el(grouped ? 'span' : 'label', { class: 'label', id: `${id}-label`, for: grouped ? undefined : id }, field.label,
      field.required && el('span', { class: 'required', text: ' *', title: t('required') })),
    input,
    field.error && el('p', { class: 'error', id: `${id}-error`, text: field.error }),
    field.hint && el('p', { class: 'hint', id: `${id}-hint`, text: field.hint }));
  return { node, label: field.label, read };
}

// values are what drawn fields hold.
export function values(drawn) {
  return Object.fromEntries(drawn.map((f) => [f.label, f.read()]));
}
