import { chromium } from 'playwright-core';
import { foundBrowser } from '../found.js';

/** What a person sees who opened a link. */
export type Seen = 'connected' | 'rejected';

/**
 * Opens a one-time link in a browser of its own, as a person would, and answers what the Control UI came to. Connected: it
 * shows the version, which it has from the gateway's greeting and shows nowhere else.
 */
export async function openControlUi(link: string, version: string): Promise<Seen> {
  const browser = await chromium.launch({
    executablePath: foundBrowser(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
  try {
    const page = await browser.newPage();
    await page.goto(link);
    const connected = page.getByText(version, { exact: true });
    const rejected = page.getByText('Gateway secret rejected');
    await connected.or(rejected).first().waitFor({ timeout: 60_000 });
    return (await rejected.isVisible()) ? 'rejected' : 'connected';
  } finally {
    await browser.close();
  }
}
