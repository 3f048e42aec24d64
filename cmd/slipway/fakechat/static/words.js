// The page's own words, in English and Chinese.

const words = {
  en: {
    you: 'You are', people: 'People', rooms: 'Rooms', console: 'Open Slipway’s console', language: '中文',
    about: 'Stand-ins of Slack and Feishu. Nothing leaves this machine.',
    back: 'Back', home: 'Home', messages: 'Messages', app: 'APP', bot: 'Bot',
    only: 'Only visible to you', edited: '(edited)', replies: (n) => (n === 1 ? '1 reply' : `${n} replies`), reply: 'Reply in thread',
    thread: 'Thread', close: 'Close', cancel: 'Cancel', send: 'Send', yes: 'Yes', no: 'No', sure: 'Are you sure?',
    to: (room) => `Message ${room}`, inThread: 'Reply…', hintSlack: 'For example /plan new or @Slipway help',
    hintFeishu: 'For example @Slipway new', hintDirect: 'Just write, for example new',
    empty: 'Nothing has been said here yet.', more: 'More', failed: 'The bot did not answer as it should: ', gone: 'That is not there any more.',
    none: 'Nobody', choose: 'Choose…', formOver: 'This form is closed.', lost: 'The stand-ins do not answer. Trying again…',
    image: 'Image', here: 'members in the room', required: 'required', homeEmpty: 'Nothing here yet.',
    yesterday: 'Yesterday', today: 'Today', tomorrow: 'Tomorrow', preview: 'What the link shows', unread: (n) => `${n} new`,
  },
  zh: {
    you: '您是', people: '人员', rooms: '会话', console: '打开 Slipway 控制台', language: 'English',
    about: 'Slack 与飞书的替身，数据不会离开本机。',
    back: '返回', home: '主页', messages: '消息', app: '应用', bot: '机器人',
    only: '仅您可见', edited: '（已编辑）', replies: (n) => `${n} 条回复`, reply: '在话题中回复',
    thread: '话题', close: '关闭', cancel: '取消', send: '发送', yes: '是', no: '否', sure: '确定吗？',
    to: (room) => `发送到 ${room}`, inThread: '回复…', hintSlack: '例如 /plan new 或 @Slipway 帮助',
    hintFeishu: '例如 @Slipway 新建', hintDirect: '直接输入即可，例如：新建',
    empty: '这里还没有消息。', more: '更多', failed: '机器人没有正常应答：', gone: '它已经不在了。',
    none: '无', choose: '请选择…', formOver: '此表单已关闭。', lost: '替身没有应答，正在重试…',
    image: '图片', here: '会话成员', required: '必填', homeEmpty: '这里还没有内容。',
    yesterday: '昨天', today: '今天', tomorrow: '明天', preview: '链接预览', unread: (n) => `${n} 条新消息`,
  },
};

let lang = 'en';

// speak sets the language of the page.
export function speak(to) {
  lang = words[to] ? to : 'en';
  document.documentElement.lang = lang;
}

export function language() { return lang; }

// t is one of the words above.
export function t(word, ...values) {
  const said = words[lang][word];
  return typeof said === 'function' ? said(...values) : said;
}

let timeZone; // undefined: the browser's

// live sets the time zone of the person who is played.
export function live(zone) { timeZone = zone || undefined; }

// clock is a moment as the page shows it, by the clock of the person who is played.
export function clock(date, options = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }) {
  return new Intl.DateTimeFormat(lang, { ...options, timeZone }).format(date);
}

// wall is what that clock shows, as a date-time field wants it.
export function wall(date) {
  return new Intl.DateTimeFormat('sv', { dateStyle: 'short', timeStyle: 'short', timeZone }).format(date).replace(' ', 'T');
}

// moment is when the clock shows that, in milliseconds.
export function moment(shown) {
  const utc = (text) => Date.parse(`${text}Z`);
  const wanted = utc(shown);
  let at = wanted;
  for (let i = 0; i < 2; i++) at += wanted - utc(wall(new Date(at))); // twice, because clocks are changed
  return at;
}

// dayOf says which day a moment is: yesterday, today, tomorrow, or undefined.
export function dayOf(date) {
  const day = (at) => wall(at).slice(0, 10);
  const near = [-1, 0, 1].find((n) => day(new Date(Date.now() + n * 86_400_000)) === day(date));
  return near === undefined ? undefined : t(['yesterday', 'today', 'tomorrow'][near + 1]);
}
