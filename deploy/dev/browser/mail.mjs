// Carol (English, light) and Bob (Chinese, dark) are asked for an approval by mail. They
// open the mail as a mail program shows it, follow its button, sign in and decide. The
// test that starts this brings up Slipway and the mailbox.
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { Person, narrow, wide } from './person.mjs';

const { CHROMIUM, MAILBOX, SLIPWAY } = process.env;
const began = Date.now();

// reads opens a mail, at the sizes and in the colours in which people read it, and
// returns where its button leads.
async function reads(page, address, button, picture) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    for (const [size, name] of [[wide, 'wide'], [narrow, 'narrow']]) {
      await page.setViewportSize(size);
      await page.goto(`${MAILBOX}/${address}`);
      await page.screenshot({ path: `${process.env.SCREENSHOTS}/mail-${name}-${colorScheme}-${picture}.png`, fullPage: true });
    }
  }
  for (const width of [390, 320]) {
    await page.setViewportSize({ width, height: 640 });
    const over = await page.evaluate(() => document.scrollingElement.scrollWidth);
    assert.ok(over <= width, `the mail is ${over} wide on a phone of ${width}`);
  }
  const link = await page.getByRole('link', { name: button, exact: true }).getAttribute('href');
  assert.ok(link.startsWith(`${SLIPWAY}/signin?`), `the mail leads to ${link}`);
  return link;
}

// decides follows the link of a mail to the plan, and approves it.
async function decides(person, link, words) {
  const { page } = person;
  // A program that looks at links changes nothing.
  for (const method of ['HEAD', 'GET']) assert.equal((await fetch(link, { method, redirect: 'manual' })).status, 200);
  await page.goto(link);
  await person.sees(page.getByRole('heading', { name: words.asks }));
  await person.picture(words.picture);
  await person.press(words.signIn);
  await person.sees(page.getByRole('heading', { name: /payments 4\.2/ }));
  await person.press(words.approve);
  const sure = page.getByRole('dialog', { name: /#1 payments 4\.2/ });
  await person.picture(words.picture.replace('signin', 'question'));
  await person.press(words.approve, sure);
}

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  ],
});
try {
  const program = await browser.newContext({ locale: 'en-US', timezoneId: 'Asia/Shanghai', reducedMotion: 'reduce' });
  const page = await program.newPage();
  const toCarol = await reads(page, 'carol@example.com', 'Open the plan and decide', 'en');
  const toBob = await reads(page, 'bob@example.com', '打开发布计划并审批', 'zh');

  const carol = await Person.arrive(browser, 'Carol');
  await decides(carol, toCarol, { asks: 'Sign in as Carol', signIn: 'Sign in', approve: 'Approve', picture: 'mail-signin-wide' });
  await carol.sees(carol.page.getByText('Carol approved').first());

  const bob = await Person.arrive(browser, 'Bob', { locale: 'zh-CN', colorScheme: 'dark' });
  await decides(bob, toBob, { asks: '以 Bob 的身份登录', signIn: '登录', approve: '通过', picture: 'mail-signin-wide-zh' });
  await bob.sees(bob.page.getByText('执行中').first());
  await bob.picture('mail-decided-wide-zh');

  // The link is used: Carol, who is inside, gets to the plan; somebody else learns how to get another.
  await carol.page.goto(toCarol);
  await carol.sees(carol.page.getByRole('heading', { name: /payments 4\.2/ }));
  const stranger = await Person.arrive(browser, 'a stranger');
  stranger.foreseen = '/signin';
  await stranger.page.goto(toCarol);
  await stranger.sees(stranger.page.getByRole('alert').getByText("the plan's manager can remind you"));
  await stranger.picture('mail-link-used-wide');
  await stranger.fits('the page of a used link');

  for (const person of [carol, bob, stranger]) person.blameless();
  console.log(`the story took ${Date.now() - began} ms`);
} finally {
  await browser.close();
}
