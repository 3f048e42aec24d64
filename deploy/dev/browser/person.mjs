// A person in a window of their own. The window is watched: whatever the browser
// complains about, or asks of another host, ends the story.
import assert from 'node:assert/strict';
import { join } from 'node:path';

const { SLIPWAY, SCREENSHOTS } = process.env;

export const wide = { width: 1280, height: 900 };
export const narrow = { width: 390, height: 844 };
const narrowest = { width: 320, height: 640 };

export class Person {
  // faults are what went wrong in the window.
  faults = [];

  // foreseen is the path that is allowed to be refused, as a part of the story.
  foreseen = '';

  constructor(name, page) {
    this.name = name;
    this.page = page;
    page.on('console', (message) => {
      if (message.type() !== 'error' && message.type() !== 'warning') return;
      if (this.foreseen && new URL(message.location().url, SLIPWAY).pathname === this.foreseen) return;
      this.#fault(`the console says: ${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => this.#fault(`a script failed: ${error}`));
    page.on('dialog', (dialog) => this.#fault(`a script opened a dialog: ${dialog.message()}`));
    page.on('crash', () => this.#fault('the page crashed'));
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (url.origin !== SLIPWAY && url.protocol !== 'data:') this.#fault(`asked another host: ${request.url()}`);
    });
    page.on('response', (response) => {
      if (response.status() < 400 || new URL(response.url()).pathname === this.foreseen) return;
      this.#fault(`${response.request().method()} ${response.url()} was answered ${response.status()}`);
    });
    page.on('requestfailed', (request) => {
      // A page that is left gives up what it was waiting for.
      const left = request.failure()?.errorText === 'net::ERR_ABORTED' && request.method() === 'GET';
      if (!left) this.#fault(`${request.method()} ${request.url()}: ${request.failure()?.errorText}`);
    });
  }

  static async arrive(browser, name, options = {}) {
    const context = await browser.newContext({
      viewport: wide, locale: 'en-US', timezoneId: 'Asia/Shanghai', reducedMotion: 'reduce', ...options,
    });
    context.setDefaultTimeout(30_000);
    return new Person(name, await context.newPage());
  }

  #fault(what) {
    this.faults.push(`${this.name}'s window: ${what}`);
  }

  blameless() {
    assert.deepEqual(this.faults, []);
  }

  async goto(path) {
    await this.page.goto(SLIPWAY + path);
  }

  // signIn opens a one-time link, and presses its button.
  async signIn(link, button) {
    await this.page.goto(link);
    await this.page.getByRole('button', { name: button, exact: true }).click();
    await this.sees(this.page.getByRole('heading', { name: 'releases' }));
  }

  // card is a plan in the room.
  card(title) {
    return this.page.getByRole('article').filter({ has: this.page.getByRole('heading', { name: title, exact: true }) });
  }

  // section is a part of the page of a plan.
  section(name) {
    return this.page.getByRole('region', { name, exact: true });
  }

  dialog(name) {
    return this.page.getByRole('dialog', { name, exact: true });
  }

  async press(button, within = this.page) {
    await within.getByRole('button', { name: button, exact: true }).click();
  }

  // pressMore presses a button of a menu.
  async pressMore(menu, button, within = this.page) {
    await within.getByText(menu, { exact: true }).click();
    await this.press(button, within);
  }

  async types(line) {
    const box = this.page.getByRole('textbox', { name: /Message to Slipway|发给 Slipway 的消息/ });
    await box.fill(line);
    await box.press('Enter');
  }

  // sees waits until something is in sight; several words must all be.
  async sees(where, ...texts) {
    if (texts.length === 0) await where.first().waitFor();
    for (const text of texts) await where.getByText(text).first().waitFor();
  }

  // isAt waits until a plan or item is in a status, and nothing but that.
  async isAt(where, status) {
    await where.getByText(status, { exact: true }).first().waitFor();
  }

  async sawLast(where) {
    await where.first().waitFor({ state: 'hidden' });
  }

  // focused describes what the keyboard would act on.
  async focused() {
    return this.page.evaluate(() => {
      const { activeElement: at } = document;
      return `${at.localName} ${at === document.body ? '' : (at.getAttribute('aria-label') ?? at.textContent).trim()}`;
    });
  }

  // tabTo presses Tab until the focus is on something. Each stop must be visible.
  async tabTo(wanted, key = 'Tab') {
    const passed = [];
    for (let n = 0; n < 120; n += 1) {
      await this.page.keyboard.press(key);
      const at = await this.focused();
      await this.focusShows(at);
      if (at === wanted) return;
      passed.push(at);
    }
    assert.fail(`${this.name} cannot reach “${wanted}” by keyboard; the stops were ${passed.join(' | ')}`);
  }

  async focusShows(what) {
    const shown = await this.page.evaluate(() => {
      const { activeElement: at } = document;
      const { outlineStyle, outlineWidth } = getComputedStyle(at);
      return at === document.body || (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1.5);
    });
    assert.ok(shown, `${this.name} cannot see that the focus is on “${what}”`);
  }

  async shows(size) {
    await this.page.setViewportSize(size);
  }

  // dismiss closes the notes that tell of what was done.
  async dismiss() {
    const close = this.page.getByRole('status').getByRole('button', { name: /^(Close|关闭)$/ });
    // A note may go by itself in the meantime.
    while (await close.count() > 0) await close.first().click({ timeout: 1000 }).catch(() => {});
  }

  async picture(name) {
    // Nothing is hidden or stopped for the picture: that would need styles which the page's policy forbids.
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), caret: 'initial', animations: 'allow' });
  }

  // fits asserts that nothing has to be scrolled sideways, down to narrow phones.
  async fits(what) {
    const before = this.page.viewportSize();
    for (const size of [narrow, narrowest]) {
      await this.shows(size);
      const over = await this.page.evaluate(() => {
        const out = [];
        const all = document.scrollingElement;
        if (all.scrollWidth > innerWidth) {
          const sticksOut = [...document.querySelectorAll('body *')].filter((node) => node.getBoundingClientRect().right > innerWidth + 1);
          out.push(`the page is ${all.scrollWidth} wide because of ${sticksOut.map((node) => `${node.localName}.${node.className}#${node.id}`).join(', ')}`);
        }
        for (const node of document.querySelectorAll('main, main *, dialog[open], dialog[open] *')) {
          const scrolls = ['auto', 'scroll'].includes(getComputedStyle(node).overflowX);
          const meantTo = node.matches('pre, textarea, [role=group], aside');
          if (scrolls && !meantTo && node.scrollWidth > node.clientWidth + 1) out.push(`${node.localName}.${node.className} scrolls`);
        }
        return out;
      });
      assert.deepEqual(over, [], `${what} is too wide at ${size.width} px`);
    }
    await this.shows(before);
  }

  // stays marks the document; stayed asserts that it was never loaded again.
  async stays() {
    await this.page.evaluate(() => { document.neverReloaded = true; });
  }

  async stayed() {
    assert.ok(await this.page.evaluate(() => document.neverReloaded), `${this.name}'s page was loaded again`);
  }
}
