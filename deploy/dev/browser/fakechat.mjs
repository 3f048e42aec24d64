// A release on the page of `slipway dev fakechat`: Alice (English, light) plans in Slack,
// 李雷 (Chinese, dark) approves in Feishu, Bob has a narrow screen. Whatever is not as
// expected ends the story with an error.
import { chromium } from 'playwright-core';
import { Person, narrow, wide } from './person.mjs';

const { CHROMIUM } = process.env;
const began = Date.now();

// enter opens the page as somebody, in a chat.
async function enter(person, who, chat, lang) {
  await person.goto(`/#${new URLSearchParams({ who, chat, lang })}`);
  await person.sees(person.page.getByRole('navigation').getByText('Slack', { exact: true }));
}

// card is the newest message that shows the plan.
const card = ({ page }) => page.locator('#list').getByRole('article').filter({ has: page.getByRole('heading', { name: /payments 4\.2/ }) }).last();

const list = ({ page }) => page.locator('#list');

async function goTo(person, room, chat) {
  await person.page.getByRole('navigation').locator('section', { hasText: chat }).getByRole('button', { name: room }).click();
  await person.sees(person.page.locator('#head').getByRole('heading', { name: room }));
}

async function writes(person, line, box = person.page.locator('#composer').getByRole('textbox')) {
  await box.fill(line);
  await box.press('Enter');
}

// inHours is a time as the browser's date-time fields take it, in Shanghai.
const inHours = (n) => new Date(Date.now() + (n + 8) * 3_600_000).toISOString().slice(0, 16);

async function alicePlans(alice) {
  await writes(alice, '/plan new');
  const form = alice.dialog('New plan');
  await form.getByLabel('Name').fill('payments 4.2');
  await form.getByLabel('Description').fill('Faster refunds, and **no** downtime.');
  await form.getByLabel('Window starts').fill(inHours(-1));
  await form.getByLabel('Window ends').fill(inHours(-2));
  await form.getByRole('group', { name: 'Approvers' }).getByLabel('李雷').check();
  await alice.picture('chat-form-wide');
  await alice.press('Create plan', form);
  await alice.sees(form.locator('.error'));
  await form.getByLabel('Window ends').fill(inHours(5));
  await alice.press('Create plan', form);
  await alice.sawLast(form);
  await alice.sees(card(alice), 'Planning', 'Faster refunds, and');
  await alice.sees(list(alice), 'Only visible to you');
  for (const line of ['add #1 announce: Tell the **hotline**', 'add #1 deploy workflow=deploy-payments project=payments param.VERSION=4.2', 'add #1 leftover: Not needed']) {
    await writes(alice, `/plan ${line}`);
    await alice.sees(card(alice), /(announce|deploy|leftover)/.exec(line)[1]);
  }
  await writes(alice, '/plan approvers #1 all of 李雷, Bob');
  await alice.sees(card(alice), /all of 李雷, Bob|0 of 2/);
}

async function aliceThinksTwice(alice) {
  const remove = card(alice).getByRole('button', { name: 'Remove', exact: true }).last();
  const ask = alice.page.locator('#ask');
  await remove.click();
  await alice.sees(ask);
  await alice.picture('chat-question-wide');
  await ask.getByRole('button').first().click();
  await alice.sawLast(ask);
  await alice.sees(card(alice), 'leftover');
  await remove.click();
  await ask.getByRole('button').last().click();
  await alice.sawLast(card(alice).getByText('leftover'));
}

async function aliceSubmits(alice, li) {
  await li.sees(card(li), '规划中', '未开始');
  await card(alice).getByRole('button', { name: 'Submit', exact: true }).focus();
  await alice.page.keyboard.press('Enter');
  await alice.sees(card(alice), 'Waiting for approval');
  await li.sees(card(li), '等待审批');
  await li.sees(li.page.getByRole('navigation').getByLabel('1 条新消息'));
}

// approves presses the button once and confirms: the question says what is approved.
async function approves(person, button, picture, words) {
  const ask = person.page.locator('#ask');
  await card(person).getByRole('button', { name: button }).click();
  await person.sees(ask, ...words);
  for (const colorScheme of ['light', 'dark']) {
    await person.page.emulateMedia({ colorScheme });
    await person.picture(`${picture}-${colorScheme}`);
  }
  await person.fits('a question on a phone');
  await ask.getByRole('button', { name: button }).click();
  await person.sawLast(ask);
}

// bobApproves does so on a phone, in Slack: all that is needed is on the card, and it takes
// one press and a confirmation.
async function bobApproves(bob) {
  await goTo(bob, 'slipway', 'Slack');
  const approve = card(bob).getByRole('button', { name: /^(Approve|通过)$/ });
  await approve.scrollIntoViewIfNeeded();
  await bob.sees(card(bob), 'payments 4.2', 'Faster refunds', 'announce', 'deploy-payments', 'VERSION', '李雷');
  await bob.fits('the direct conversation in Slack');
  await bob.picture('chat-approve-slack-narrow');
  await approves(bob, /^(Approve|通过)$/, 'chat-approve-question-slack-narrow', ['#1 payments 4.2', /2 items|2 个发布项/, /0 of 2|0\/2/]);
  await bob.page.emulateMedia({ colorScheme: 'light' });
  await bob.sawLast(approve);
  await bob.sees(card(bob), /1 of 2|1\/2/);
  await bob.press('返回');
}

// liApproves does so on a phone, in Feishu.
async function liApproves(alice, li) {
  const desk = li.page.viewportSize();
  await goTo(li, 'Slipway', 'Feishu');
  await li.page.setViewportSize(narrow);
  await li.sees(card(li), '等待审批', 'payments 4.2', 'announce', 'deploy-payments', 'VERSION', /1\/2/); // Bob's is there
  await li.fits('the direct conversation in Feishu');
  await li.picture('chat-approve-feishu-narrow-dark-zh');
  await approves(li, /^(通过|是)$/, 'chat-approve-question-feishu-narrow-zh', ['通过 #1 payments 4.2？', '共 2 个发布项', '已有 1/2 人通过']);
  await li.sees(li.page.getByRole('status'), '执行中');
  await li.sees(card(li), '执行中');
  await li.page.setViewportSize(desk);
  await goTo(li, '发布群', 'Feishu');
  await li.sees(card(li), '执行中');
  await li.dismiss();
  await alice.sees(card(alice), 'Executing');
}

async function aliceWorks(alice, li) {
  await card(alice).getByRole('button', { name: 'Complete', exact: true }).click();
  await li.sees(card(li), '1/2 已完成');
  await card(alice).getByRole('button', { name: /^\d+ repl/ }).click();
  const thread = alice.page.getByRole('complementary', { name: 'Thread' });
  await alice.sees(thread, /Alice completed/);
  await writes(alice, '@Slipway help', thread.getByRole('textbox'));
  await alice.sees(thread, 'Only visible to you');
  await alice.fits('the channel in Slack, with a thread');
  await alice.press('Close', thread);
  await alice.fits('the channel in Slack');
  await li.picture('chat-feishu-wide-dark-zh');
}

// asCarol has the window show what Carol sees.
async function asCarol(alice) {
  const who = alice.page.getByLabel('You are');
  await who.selectOption('Carol');
  await alice.sees(card(alice), 'Executing');
  await alice.sawLast(list(alice).getByText('Only visible to you'));
  await card(alice).getByRole('button', { name: /^\d+ repl/ }).click();
  const thread = alice.page.getByRole('complementary', { name: 'Thread' });
  await alice.sees(thread, /Alice completed/);
  await alice.picture('chat-slack-wide');
  await alice.press('Close', thread);
  await who.selectOption('Alice');
  await alice.sees(list(alice), 'Only visible to you');
}

async function aliceGoesHome(alice) {
  await goTo(alice, 'slipway', 'Slack');
  await alice.press('Home');
  await alice.sees(alice.page.locator('.home'), /payments 4\.2/);
  await alice.picture('chat-home-wide');
  await alice.fits('the home page');
}

// liPlansInFeishu fills in the card that Feishu has in the place of a dialog.
async function liPlansInFeishu(li) {
  await goTo(li, 'Slipway', 'Feishu');
  await writes(li, '新建');
  const form = li.page.locator('.f-form');
  await form.getByLabel('名称').fill('ledger 7.0');
  await li.fits('a form in Feishu');
  await li.press('创建', form);
  await li.sawLast(form.getByLabel('名称'));
  await goTo(li, '发布群', 'Feishu');
  await li.sees(list(li), /ledger 7\.0/);
}

async function bobIsNarrow(bob) {
  await bob.sees(bob.page.getByRole('navigation'), '发布群');
  await bob.picture('chat-list-narrow-zh');
  await goTo(bob, '发布群', 'Feishu');
  await card(bob).scrollIntoViewIfNeeded();
  await bob.sees(card(bob), '执行中');
  await bob.picture('chat-feishu-narrow-zh');
  await card(bob).getByRole('button', { name: /条回复/ }).click();
  await bob.sees(bob.page.getByRole('complementary', { name: '话题' }), /通过/);
  await bob.picture('chat-thread-narrow-zh');
  await bob.fits('a thread');
  await bob.press('关闭');
  await bob.press('返回');
  await bob.press('English');
  await goTo(bob, 'releases', 'Slack');
  await bob.sees(card(bob), 'Executing');
  await bob.picture('chat-slack-narrow');
}

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  ],
});
const people = [];
let chapter = 'they arrive';
try {
  const alice = await Person.arrive(browser, 'Alice', { viewport: wide });
  const li = await Person.arrive(browser, 'Li Lei', { locale: 'zh-CN', colorScheme: 'dark' });
  const bob = await Person.arrive(browser, 'Bob', { viewport: narrow });
  people.push(alice, li, bob);
  const tell = async (what, happens) => {
    chapter = what;
    await happens();
    for (const person of people) person.blameless();
    console.log(`${((Date.now() - began) / 1000).toFixed(1)} s: ${what}`);
  };
  await tell('They open the page', async () => {
    await enter(alice, 'Alice', 'slack', 'en');
    await enter(li, '李雷', 'feishu', 'zh');
    await enter(bob, 'Bob', 'feishu', 'zh');
  });
  await tell('Alice plans in Slack, with a mistake in the form', () => alicePlans(alice));
  await tell('Alice thinks twice about removing an item', () => aliceThinksTwice(alice));
  await tell('Alice submits by keyboard', () => aliceSubmits(alice, li));
  await tell('Bob approves on a phone, in Slack', () => bobApproves(bob));
  await tell('Li Lei approves on a phone, in Feishu', () => liApproves(alice, li));
  await tell('Alice works, and looks into the thread', () => aliceWorks(alice, li));
  await tell('The window shows what Carol sees', () => asCarol(alice));
  await tell('Alice opens her home page', () => aliceGoesHome(alice));
  await tell('Bob looks at it on a phone', () => bobIsNarrow(bob));
  await tell('Li Lei plans in Feishu', () => liPlansInFeishu(li));
} catch (error) {
  console.error(`“${chapter}” went wrong: ${error.stack}`);
  for (const person of people) {
    for (const fault of person.faults) console.error(fault);
    await person.picture(`broken-${person.name.toLowerCase().replace(' ', '-')}`).catch(() => {});
  }
  process.exitCode = 1;
} finally {
  await browser.close();
}
