// The main story in headless Chromium: Alice (English, light) plans and executes, Bob
// (Chinese, dark) approves, Olga is the admin. The test that starts this brings up
// Slipway and an outside system, and says where they are in the environment. Whatever
// is not as expected ends the story with an error.
import assert from 'node:assert/strict';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { Person, narrow, wide } from './person.mjs';

const { ALICE, BOB, OLGA, CHROMIUM, OUTSIDE, RUNS } = process.env;
const began = Date.now();

const plan = '#1 payments 4.2';
const hostile = '<script>alert(1)</script> & <!channel>';

// outside has the outside system answer a question, once it was asked.
async function outside(event, result) {
  const answer = await fetch(`${OUTSIDE}/answer?event=${event}&result=${result}`, { method: 'POST' });
  assert.ok(answer.ok, `the outside system answers ${event}: ${await answer.text()}`);
}

// runEnds decides how the workflow that is waiting ends.
async function runEnds(how) {
  await writeFile(join(RUNS, 'decided'), how);
  await rename(join(RUNS, 'decided'), join(RUNS, 'outcome'));
}

// inShanghai is a time as people there type it into a date-time field.
function inShanghai(hoursFromNow) {
  return new Date(Date.now() + (hoursFromNow + 8) * 3_600_000).toISOString().slice(0, 16);
}

async function aliceSignsIn(alice, stranger) {
  await alice.goto('/');
  await alice.sees(alice.page.getByLabel('Sign-in token'));
  // A program that looks at links must not use the link up, nor sign anybody in.
  await alice.page.goto(ALICE);
  await alice.sees(alice.page.getByRole('heading', { name: 'Sign in as Alice' }));
  await alice.picture('signin-wide');
  await alice.fits('the sign-in page');
  await alice.goto('/plans');
  await alice.sees(alice.page.getByLabel('Sign-in token'));
  await alice.signIn(ALICE, 'Sign in');

  stranger.foreseen = '/signin';
  await stranger.page.goto(ALICE);
  await stranger.sees(stranger.page.getByRole('alert').getByText('This sign-in link is no longer good'));
}

async function alicePlans(alice) {
  const { page } = alice;
  await alice.picture('room-empty-wide');
  await alice.types('new');
  const form = alice.dialog('New plan');
  await form.getByLabel('Name').fill('payments 4.2');
  await form.getByLabel('Description').fill('Faster refunds, and **no** downtime.');
  await form.getByLabel('Window starts').fill(inShanghai(-1));
  await form.getByLabel('Window ends').fill(inShanghai(-2));
  await form.getByRole('group', { name: 'Approvers' }).getByLabel('Bob').check();
  const items = form.getByRole('group', { name: 'Items' });
  const item = async (name, kind, fields) => {
    await alice.press('+ Add an entry', items);
    await items.getByLabel('Name').last().fill(name);
    await items.getByLabel('Kind').last().selectOption({ label: kind });
    for (const [label, value] of Object.entries(fields)) await items.getByLabel(label, { exact: true }).last().fill(value);
  };
  const text = 'Text: a person does it';
  await item('announce', text, { 'What to do': 'Tell the **hotline**' });
  await item('deploy', 'Workflow: an engine runs it', { Project: 'payments', Workflow: 'deploy-payments', Parameters: 'VERSION=4.2' });
  await item('dashboards', text, { 'What to do': 'Watch the dashboards for ten minutes' });
  await alice.press('Create plan', form);

  // The window ends before it starts: said where it is wrong, and all else is kept.
  const wrong = form.getByLabel('Window ends');
  await alice.sees(form.getByText('the window must end after it starts'));
  assert.equal(await wrong.getAttribute('aria-invalid'), 'true');
  assert.equal(await wrong.evaluate((field) => field === document.activeElement), true, 'the wrong field has the focus');
  assert.equal(await form.getByLabel('Name').first().inputValue(), 'payments 4.2');
  assert.equal(await form.getByLabel('Bob').isChecked(), true);
  assert.equal(await items.getByLabel('Name').count(), 3);
  assert.equal(await items.getByLabel('Workflow', { exact: true }).nth(1).inputValue(), 'deploy-payments');
  await alice.picture('form-wide');
  await alice.fits('the form');
  await alice.shows(narrow);
  await alice.picture('form-narrow');
  await items.getByLabel('Name').nth(1).scrollIntoViewIfNeeded();
  await alice.picture('form-items-narrow');
  await alice.shows(wide);

  await wrong.fill(inShanghai(5));
  await alice.press('Create plan', form);
  await alice.sawLast(page.getByRole('dialog'));
  await alice.isAt(alice.card(plan), 'Planning');
  await alice.sees(alice.card(plan), 'announce', 'deploy', 'dashboards');
}

async function aliceThinksTwice(alice) {
  const card = alice.card(plan);
  const item = card.getByRole('listitem').filter({ hasText: 'dashboards' });
  await alice.pressMore('More', 'Remove', item);
  await alice.sees(alice.dialog('Remove item'), 'Remove item 3 “dashboards” from the plan?');
  await alice.picture('confirm-wide');
  await alice.page.keyboard.press('Escape');
  await alice.sawLast(alice.page.getByRole('dialog'));
  await alice.sees(item);
  assert.equal(await alice.focused(), 'summary More', 'the focus is where it was');
}

// aliceSubmitsByKeyboard uses nothing but Tab, Enter and Escape.
async function aliceSubmitsByKeyboard(alice) {
  const { page } = alice;
  await alice.tabTo('button Edit…');
  await page.keyboard.press('Enter');
  const form = alice.dialog('Edit #1');
  await alice.sees(form);
  assert.equal(await form.getByLabel('Name').first().evaluate((field) => field === document.activeElement), true, 'the form takes the focus');
  await alice.focusShows('the first field');
  await page.keyboard.press('Escape');
  await alice.sawLast(form);
  assert.equal(await alice.focused(), 'button Edit…', 'the focus is where it was');
  await alice.tabTo('button Submit', 'Shift+Tab');
  await page.keyboard.press('Enter');
  await alice.isAt(alice.card(plan), 'Waiting for the outside check of the planning');
}

async function officeChecks(alice, bob) {
  await bob.isAt(bob.card(plan), '等待规划完成的外部检测');
  await outside('finish_planning', 'executing');
  await alice.sees(alice.card(plan), 'reading the change request');
  await bob.sees(bob.card(plan), 'reading the change request');
  await alice.picture('toasts-wide');
  await alice.dismiss();
  await alice.picture('room-waiting-wide');
  await alice.fits('the room, with the longest of statuses');
  await outside('finish_planning', 'success');
  await alice.isAt(alice.card(plan), 'Waiting for approval');
  await bob.isAt(bob.card(plan), '等待审批');
}

// bobIsTooLate approves, by keyboard, what Alice takes back while he is asked whether he means it.
async function bobIsTooLate(alice, bob) {
  const ask = bob.dialog('通过 #1 payments 4.2？');
  await bob.card(plan).getByRole('button', { name: '通过', exact: true }).focus();
  await bob.page.keyboard.press('Enter');
  await bob.sees(ask, '共 3 个发布项。', '已有 0/1 人通过。');
  await bob.picture('confirm-approve-wide-dark-zh');
  await bob.page.keyboard.press('Escape');
  await bob.sawLast(ask);
  assert.equal(await bob.focused(), 'button 通过', 'the focus is where it was');
  await bob.shows(narrow);
  await bob.press('通过', bob.card(plan));
  await bob.picture('confirm-approve-narrow-dark-zh');
  await bob.fits('the question');
  await bob.page.emulateMedia({ colorScheme: 'light' });
  await bob.picture('confirm-approve-narrow-zh');
  await bob.page.emulateMedia({ colorScheme: 'dark' });

  await alice.pressMore('More', 'Replan…', alice.card(plan).locator('.actions').last());
  const why = alice.dialog('Back to planning');
  await why.getByLabel('Why?').fill('one more look');
  await alice.press('Replan', why);
  await bob.isAt(bob.card(plan), '规划中');
  await bob.press('通过', ask);
  await bob.sees(bob.page.getByRole('alert').getByText('Alice'));
  await bob.dismiss();
  await bob.shows(wide);
  await alice.dismiss();
  await alice.press('Submit', alice.card(plan));
  await outside('finish_planning', 'success');
  await alice.isAt(alice.card(plan), 'Waiting for approval');
  await bob.isAt(bob.card(plan), '等待审批');
  await alice.dismiss();
}

async function bobApproves(alice, bob) {
  const card = bob.card(plan);
  await bob.picture('room-wide-dark-zh');
  await bob.pressMore('更多', '通过并填写意见…', card);
  const form = bob.dialog('审批通过');
  await form.getByLabel('审批意见').fill('回滚方案已确认');
  await bob.picture('approve-wide-dark-zh');
  await bob.press('通过', form);
  await bob.sawLast(form);
  await alice.isAt(alice.card(plan), 'Waiting for the outside check before executing');
  await alice.sees(alice.card(plan), '回滚方案已确认');
  await outside('start_execute', 'success');
  await alice.isAt(alice.card(plan), 'Executing');
  await bob.isAt(bob.card(plan), '执行中');
  await alice.dismiss();
  await alice.shows({ ...wide, height: 980 }); // the whole card
  await alice.picture('room-wide');
  await alice.shows(wide);
}

async function aliceExecutes(alice, bob) {
  const { page } = alice;
  await page.getByRole('link', { name: plan }).first().click();
  await alice.sees(page.getByRole('heading', { name: 'payments 4.2' }));
  const deploy = page.getByRole('article').filter({ has: page.getByRole('heading', { name: 'deploy', exact: true }) });
  await alice.stays();
  await deploy.getByRole('button', { name: 'Execute', exact: true }).dblclick();
  await alice.sees(deploy.getByLabel('Log of run 1').getByText('deploying 4.2 to 3 nodes'));
  await alice.isAt(deploy, 'running');
  await alice.sees(deploy.getByRole('listitem').filter({ hasText: /running: deploy/ }));
  await alice.dismiss();
  await alice.picture('plan-wide');
  await alice.fits('the page of a plan that is running');
  const announce = page.getByRole('article').filter({ has: page.getByRole('heading', { name: 'announce', exact: true }) });
  await alice.shows(narrow);
  await announce.getByText('More', { exact: true }).click();
  await alice.sees(announce.getByRole('button', { name: 'Complete with remark…' }));
  await alice.picture('menu-narrow');
  await alice.fits('an open menu');
  await page.keyboard.press('Escape');
  await alice.sawLast(announce.getByRole('button', { name: 'Complete with remark…' }));
  await alice.shows(wide);
  await bob.sees(bob.card(plan), '1 个运行中');
  await runEnds('fail');
  await alice.sees(deploy.getByText('node-3 does not answer'));
  await alice.isAt(deploy, 'failed');
  await alice.picture('plan-failed-wide');

  const log = alice.section('Log');
  await alice.sees(log.getByText('The run of “deploy” failed'));
  await alice.sees(deploy.getByText('node-3 does not answer'));
  assert.equal(await log.getByText('Alice executed “deploy”').count(), 1, 'a double click has one effect');
  await alice.press('Retry', deploy);
  await alice.sees(deploy.getByLabel('Log of run 2').getByText('deploying 4.2 to 3 nodes'));
  await runEnds('pass');
  await alice.sees(deploy.getByText('3 nodes run 4.2'));
  await alice.sees(log.getByText('The run of “deploy” passed'));
}

async function aliceFinishes(alice, bob) {
  const { page } = alice;
  const item = (name) => page.getByRole('article').filter({ has: page.getByRole('heading', { name, exact: true }) });
  await alice.press('Complete', item('announce'));
  await alice.sees(item('announce').getByText('done by Alice'));
  // The button that was pressed is gone: the keyboard goes on from its item.
  await page.waitForFunction(() => document.activeElement.matches('article.item'));
  await alice.press('Skip…', item('dashboards'));
  const form = alice.dialog('Skip item');
  await form.getByLabel('Why?').fill('the on-call watches them');
  await alice.press('Skip', form);
  await alice.isAt(page, 'Waiting for the outside check of the finished items');
  await outside('all_job_done', 'success');
  await alice.isAt(page, 'Success');
  await bob.isAt(bob.card(plan), '成功');
  await bob.sees(bob.card(plan), '由 Alice 跳过');
  await alice.stayed();
  await bob.stayed();
}

async function lookAtThePlan(alice, bob) {
  await alice.picture('plan-done-wide');
  await alice.fits('the page of a plan');
  await alice.shows(narrow);
  await alice.picture('plan-narrow');
  await alice.shows(wide);
  await bob.picture('room-done-wide-dark-zh');
  await bob.page.getByRole('link', { name: plan }).first().click();
  await bob.sees(bob.section('操作日志'), '跳过了发布项“dashboards”');
  await bob.picture('plan-wide-dark-zh');
  await bob.fits('the page of a plan in Chinese');
  await bob.shows(narrow);
  await bob.picture('plan-narrow-dark-zh');
  await bob.shows(wide);
}

async function hostileTitle(alice, bob) {
  await bob.goto('/');
  await bob.stays();
  await alice.goto('/');
  await alice.isAt(alice.card(plan), 'Success');
  await alice.picture('room-done-wide');
  await alice.fits('the room');
  await alice.shows(narrow);
  await alice.picture('room-narrow');
  await alice.shows(wide);
  await alice.types(`new ${hostile}`);
  await alice.sees(alice.card(`#2 ${hostile}`));
  await bob.sees(bob.card(`#2 ${hostile}`));
  await bob.stayed();
}

// aliceComesBack leaves the room in the middle of it, with a line half typed.
async function aliceComesBack(alice) {
  const { page } = alice;
  const box = page.getByRole('textbox', { name: 'Message to Slipway' });
  await alice.shows({ width: 1280, height: 500 });
  await box.fill('show #');
  const link = alice.card(plan).getByRole('link', { name: plan });
  await link.scrollIntoViewIfNeeded();
  const before = await link.boundingBox();
  await link.click();
  await alice.sees(page.getByRole('heading', { name: 'payments 4.2' }));
  await page.goBack();
  await alice.sees(link);
  const after = await link.boundingBox();
  assert.ok(Math.abs(before.y - after.y) < 2, `the room was left at ${before.y} and is found at ${after.y}`);
  assert.equal(await box.inputValue(), 'show #');
  await box.fill('');
  await alice.shows(wide);
}

// bobLooksAround opens what the story has shown in English only.
async function bobLooksAround(bob) {
  await bob.types('帮助');
  await bob.sees(bob.page.getByText('仅您可见'));
  await bob.sees(bob.page.getByText('同意发布。'));
  await bob.fits('help in Chinese');
  await bob.picture('help-wide-dark-zh');
  await bob.types('通过 #1');
  await bob.sees(bob.page.getByText('不能“通过”'));
  await bob.press('新建发布计划…');
  const form = bob.dialog('新建发布计划');
  await bob.press('+ 添加一项', form);
  await bob.fits('the form in Chinese');
  await bob.shows(narrow);
  await bob.picture('form-narrow-dark-zh');
  await bob.shows(wide);
  await bob.picture('form-wide-dark-zh');
  await bob.page.keyboard.press('Escape');
  await bob.sawLast(form);
  await bob.page.getByRole('banner').getByText('Bob', { exact: true }).click();
  await bob.fits('the menu of the person');
  await bob.picture('me-wide-dark-zh');
}

async function list(alice, bob) {
  const { page } = alice;
  await page.getByRole('link', { name: 'Plans', exact: true }).click();
  const table = page.getByRole('table');
  await alice.sees(table, 'payments 4.2', hostile);
  await alice.picture('plans-wide');
  await alice.fits('the list of plans');
  await alice.shows(narrow);
  await alice.picture('plans-narrow');
  await alice.shows(wide);
  const search = page.getByRole('search');
  await search.getByLabel('Name contains').fill('<SCRIPT>');
  await alice.press('Filter', search);
  await alice.sees(page.getByText('1 in all'));
  await alice.sees(table, hostile);
  await search.getByLabel('Name contains').fill('');
  await search.getByLabel('Status').selectOption({ label: 'Success' });
  await alice.press('Filter', search);
  await alice.sees(table, 'payments 4.2');
  await alice.sees(page.getByText('1 in all'));
  await search.getByLabel('Name contains').fill('nothing is called this');
  await alice.press('Filter', search);
  await alice.sees(page.getByRole('heading', { name: 'Nothing found' }));

  await bob.page.getByRole('link', { name: '发布计划', exact: true }).click();
  await bob.sees(bob.page.getByText('共 2 个'));
  await bob.picture('plans-wide-dark-zh');
  await bob.fits('the list of plans in Chinese');
}

async function queues(olga, bob) {
  bob.foreseen = '/queues/';
  await bob.goto('/queues/');
  await bob.sees(bob.page.getByText('只有管理员可以打开此页面。'));
  await bob.picture('refused-wide-dark-zh');

  await olga.signIn(OLGA, 'Sign in');
  await olga.picture('room-admin-narrow');
  await olga.page.getByRole('link', { name: 'People', exact: true }).click();
  await olga.sees(olga.page.getByText('bob@example.com'));
  await olga.picture('people-wide');
  await olga.fits('the page of people');
  await olga.shows(wide);
  await olga.page.getByRole('link', { name: 'Queues', exact: true }).click();
  await olga.sees(olga.page.getByText('Tasks processed'));
  await olga.sees(olga.page.getByRole('table'));
  await olga.picture('queues-wide');
}

async function hooks(olga, bob) {
  await olga.goto('/hooks');
  await olga.sees(olga.page.getByRole('region', { name: 'Endpoints' }).getByText('change-office'));

  // What is wrong with an endpoint is said where it was written, and what was written is kept.
  olga.foreseen = '/hooks/endpoints';
  const box = olga.page.getByRole('textbox', { name: /The keys of slipway.yaml/ });
  await box.fill('name: risk\nurl: http://10.0.0.1/hooks\nevents: [lunch]\ndeadline: soon\ncolour: red\n');
  await olga.press('Save');
  await olga.sees(olga.page.getByRole('alert').getByText('The endpoint is not right yet.'));
  await olga.sees(olga.page.getByRole('listitem').filter({ hasText: 'colour' }));
  assert.match(await box.inputValue(), /colour: red/);
  await olga.picture('hooks-wrong-wide');
  await olga.fits('the page of hooks');
  await box.fill(`name: risk\nurl: ${OUTSIDE}/hooks\nevents: [finish_planning]\nallow_private: true\nenabled: false\n`);
  await olga.press('Save');
  await olga.sees(olga.page.getByRole('status').getByText('Saved.'));
  olga.foreseen = '';

  // What cannot be taken back is asked about first, and can be left by keyboard.
  const risk = olga.page.getByRole('row').filter({ hasText: 'risk' });
  await risk.getByLabel('More for risk').click();
  await olga.shows(narrow);
  await olga.picture('endpoint-menu-narrow');
  await olga.fits('the menu of an endpoint');
  await olga.shows(wide);
  await olga.press('New secret…', risk);
  await olga.sees(olga.dialog('New secret for risk'), 'any older one ends now');
  assert.equal(await olga.focused(), 'button Back');
  await olga.page.keyboard.press('Escape');
  await olga.sawLast(olga.page.getByRole('dialog'));
  assert.equal(await olga.focused(), 'summary More for risk');
  await olga.pressMore('⋯', 'New secret…', risk);
  await olga.dialog('New secret for risk').getByRole('button', { name: 'Make a new secret' }).dblclick();
  await olga.sees(olga.page.getByRole('region', { name: 'New secret of risk' }));
  await olga.pressMore('⋯', 'Delete…', risk);
  await olga.press('Delete', olga.dialog('Delete risk'));
  await olga.sees(olga.page.getByRole('status').getByText('Deleted.'));

  const sent = olga.page.getByRole('region', { name: 'Sent', exact: true });
  await sent.getByLabel('Plan').fill('#1');
  await sent.getByLabel('Since').fill(inShanghai(-24));
  await olga.press('Filter', sent);
  await olga.sees(sent.getByRole('article').filter({ hasText: plan }));
  await olga.picture('hooks-wide');
  const [download] = await Promise.all([olga.page.waitForEvent('download'), sent.getByRole('link', { name: 'Export (JSON Lines)' }).click()]);
  const lines = (await readFile(await download.path(), 'utf8')).trim().split('\n').map((line) => JSON.parse(line));
  assert.ok(lines.length > 0 && lines.every((line) => line.endpoint === 'change-office'), 'the export is of the plan');

  await bob.goto('/hooks');
  await bob.sees(bob.page.getByRole('heading', { name: '推送', exact: true }));
  await bob.picture('hooks-wide-dark-zh');
  await bob.shows(narrow);
  await bob.picture('hooks-narrow-dark-zh');
  await bob.fits('the page of hooks in Chinese');
  await bob.shows(wide);
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
  const alice = await Person.arrive(browser, 'Alice');
  const bob = await Person.arrive(browser, 'Bob', { locale: 'zh-CN', colorScheme: 'dark' });
  const olga = await Person.arrive(browser, 'Olga', { timezoneId: 'Europe/Berlin', viewport: narrow });
  const stranger = await Person.arrive(browser, 'somebody');
  people.push(alice, bob, olga, stranger);

  const tell = async (what, happens) => {
    chapter = what;
    await happens();
    for (const person of people) person.blameless();
    console.log(`${((Date.now() - began) / 1000).toFixed(1)} s: ${what}`);
  };
  await tell('Alice signs in, a second use of her link is refused', () => aliceSignsIn(alice, stranger));
  await tell('Bob signs in, in Chinese', async () => {
    await bob.signIn(BOB, '登录');
    await bob.stays();
  });
  await tell('Alice plans with the form', () => alicePlans(alice));
  await tell('Alice thinks twice about removing an item', () => aliceThinksTwice(alice));
  await tell('Alice submits by keyboard', () => aliceSubmitsByKeyboard(alice));
  await tell('The outside system checks the plan', () => officeChecks(alice, bob));
  await tell('Bob approves what is taken back', () => bobIsTooLate(alice, bob));
  await tell('Bob approves with a comment', () => bobApproves(alice, bob));
  await tell('Alice executes, and retries', () => aliceExecutes(alice, bob));
  await tell('Alice completes and skips; the plan succeeds', () => aliceFinishes(alice, bob));
  await tell('Both look at the plan', () => lookAtThePlan(alice, bob));
  await tell('A title is text whatever it says', () => hostileTitle(alice, bob));
  await tell('Alice comes back to where she was', () => aliceComesBack(alice));
  await tell('Bob looks around', () => bobLooksAround(bob));
  await tell('They find plans in the list', () => list(alice, bob));
  await tell('Olga sees the task queues, Bob does not', () => queues(olga, bob));
  await tell('Olga looks after the hooks', () => hooks(olga, bob));
} catch (error) {
  console.error(`“${chapter}” went wrong: ${error.stack}`);
  for (const person of people) {
    for (const fault of person.faults) console.error(fault);
    await person.picture(`broken-${person.name.toLowerCase()}`).catch(() => {});
  }
  process.exitCode = 1;
} finally {
  await browser.close();
}
