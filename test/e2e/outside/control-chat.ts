import { chromium, type Browser, type BrowserContextOptions, type Locator, type Page } from 'playwright-core';
import { foundBrowser } from '../../ground/found.js';

const openings = 5;
const sendings = 3;

/** How long a person waits for an answer of a gateway on a busy machine. */
const answerMs = 90_000;

/** Somebody who opened a one-time link into a Control UI and talks to the gateway there. */
export class ControlChat {
  readonly #browser: Browser;
  readonly #page: Page;

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.#page = page;
  }

  /** By a link of `creel open`, at a desk. */
  static async open(link: () => Promise<string>): Promise<ControlChat> {
    const desk = { viewport: { width: 1280, height: 800 } };
    return ControlChat.#open(desk, async (page) => void (await page.goto(await link())));
  }

  /** By an invitation, on a phone. */
  static async invited(link: () => Promise<string>): Promise<ControlChat> {
    const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
    return ControlChat.#open(phone, async (page) => {
      await page.goto(await link());
      await page.getByRole('button', { name: 'Open my assistant' }).tap();
      await page.getByRole('link', { name: 'Go to my assistant' }).tap({ timeout: answerMs });
    });
  }

  /** Arrives, and once more where Chromium has dropped its connections meanwhile, until there is somewhere to write. */
  static async #open(device: BrowserContextOptions, arrive: (page: Page) => Promise<void>): Promise<ControlChat> {
    const browser = await chromium.launch({
      executablePath: foundBrowser(),
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    });
    const chat = new ControlChat(browser, await browser.newPage(device));
    const seen: string[] = [];
    while (seen.length < openings) {
      await chat.#page.goto('about:blank');
      await arrive(chat.#page);
      if (await chat.#isOpen()) return chat;
      seen.push(await chat.#page.innerText('body'));
    }
    await browser.close();
    throw new Error(`the Control UI came to no chat; it said: ${seen.join(' / ')}`);
  }

  /** Writes a message and sends it; once more where the page has put another box in place of the one that was written in. */
  async say(text: string): Promise<void> {
    for (let time = 1; ; time += 1) {
      await this.#box.fill(text);
      await this.#box.press('Enter');
      if (await this.#isSent(text)) return;
      if (time === sendings)
        throw new Error(`the chat does not send ${text}; it says: ${await this.#page.innerText('body')}`);
    }
  }

  /** Waits until this stands in the chat. */
  async hears(text: string): Promise<void> {
    try {
      await this.#page.getByText(text).first().waitFor({ timeout: answerMs });
    } catch (cause) {
      throw new Error(`the chat does not say ${text}; it says: ${await this.#page.innerText('body')}`, { cause });
    }
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }

  /** Where to write: in a conversation that goes on it is another kind of box than in a new one. */
  get #box(): Locator {
    return this.#page.locator('textarea:visible, [contenteditable="true"]:visible').first();
  }

  #isOpen(): Promise<boolean> {
    return isSeen(this.#box, 60_000);
  }

  /** Whether what was written stands in the conversation, and not in the box alone. */
  #isSent(text: string): Promise<boolean> {
    const outside = this.#page.locator(':not([contenteditable], [contenteditable] *)');
    return isSeen(this.#page.getByText(text).and(outside).first(), 20_000);
  }
}

function isSeen(what: Locator, withinMs: number): Promise<boolean> {
  return what.waitFor({ timeout: withinMs }).then(
    () => true,
    () => false,
  );
}
