import { chromium, type Browser, type Page } from 'playwright-core';
import { foundBrowser } from '../../ground/found.js';

/** What a person sees who opened a link. */
export type Seen = 'connected' | 'rejected';

const openings = 5;

/**
 * Opens a one-time link in a browser of its own, as a person would, and answers what the Control UI came to. Connected: it
 * shows the version, which it has from the gateway's greeting and shows nowhere else. Rejected: the gateway refused the link.
 *
 * Chromium drops its connections whenever a network comes or goes on the machine, as they do while other tests run. The
 * Control UI then asks again without the link and is refused for having none: that says nothing of the link, which is
 * opened again, as a person would.
 */
export async function openControlUi(link: string, version: string): Promise<Seen> {
  const browser = await launch();
  try {
    const page = await browser.newPage();
    let refused = false;
    page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => {
        refused ||= payload.toString().includes('AUTH_BOOTSTRAP_TOKEN_INVALID');
      });
    });
    for (let opening = 0; opening < openings; opening += 1) {
      await page.goto('about:blank');
      await page.goto(link);
      if (await isConnected(page, version)) return 'connected';
      if (refused) return 'rejected';
    }
    throw new Error(`the link came to nothing ${openings} times; last: ${await page.innerText('body')}`);
  } finally {
    await browser.close();
  }
}

/** A browser of its own that opens the plain address of a Control UI, as somebody who was given no link. */
export class PlainBrowser {
  readonly #browser: Browser;
  readonly #page: Page;

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.#page = page;
  }

  /** Opens the address and enters the gateway token where the Control UI asks for it. */
  static async open(url: string, token: string): Promise<PlainBrowser> {
    const browser = await launch();
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(url);
    const secret = page.locator('input[type=password]');
    await secret.fill(token);
    await secret.press('Enter');
    return new PlainBrowser(browser, page);
  }

  /** Waits until the Control UI says that the browser has to be approved. */
  async asks(): Promise<void> {
    await this.#page.getByText('Approve this browser').waitFor({ timeout: 60_000 });
  }

  /** Waits until the Control UI is connected: it asks by itself, and again when Chromium has dropped its connections. */
  async connects(): Promise<void> {
    for (let opening = 0; opening < openings; opening += 1) {
      const message = this.#page.getByText('Message Assistant').or(this.#page.getByText('Type a message below'));
      const shown = await message
        .first()
        .waitFor({ timeout: 60_000 })
        .then(
          () => true,
          () => false,
        );
      if (shown) return;
      await this.#page.reload();
    }
    throw new Error(`the Control UI did not connect; last: ${await this.#page.innerText('body')}`);
  }

  async picture(path: string): Promise<void> {
    await this.#page.screenshot({ path });
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}

function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: foundBrowser(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
}

/** Waits until the Control UI shows what it came to. Without either for a minute there is no connection; sooner a slow page would be opened again with a link that it has used. */
async function isConnected(page: Page, version: string): Promise<boolean> {
  const connected = page.getByText(version, { exact: true });
  const failed = page.getByText(/Gateway secret rejected|This Gateway expects its token/);
  await connected
    .or(failed)
    .first()
    .waitFor({ timeout: 60_000 })
    .catch(() => undefined);
  return connected.isVisible();
}
