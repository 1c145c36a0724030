import type { Over } from '../../domain/invitation/invitation.js';
import { Html, html } from './html.js';

/** A page as it is sent: its text and its HTTP status. */
export type Page = { readonly status: number; readonly html: Html };

/** Seconds after which a page that waits for something looks again. */
const againSeconds = 5;

const style = new Html(`
:root { color-scheme: light dark; font: 1.05rem/1.6 system-ui, sans-serif }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: Canvas; color: CanvasText }
main { box-sizing: border-box; width: min(34rem, 100vw); padding: 2rem 1.5rem }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem }
.act { display: block; box-sizing: border-box; width: 100%; padding: 0.9rem; border: 0; border-radius: 0.6rem }
.act { font: inherit; font-weight: 600; text-align: center; text-decoration: none; cursor: pointer }
.act { background: #14532d; color: #fff }
code { display: block; padding: 0.8rem; border-radius: 0.6rem; overflow-wrap: anywhere; user-select: all }
code { border: 1px solid color-mix(in srgb, currentColor 30%, transparent) }
small { opacity: 0.75 }`);

function page(status: number, title: string, body: Html, head: Html = html``): Page {
  return {
    status,
    html: html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="robots" content="noindex" />
          <title>${title}</title>
          ${head}
          <style>
            ${style}
          </style>
        </head>
        <body>
          <main>
            <h1>${title}</h1>
            ${body}
          </main>
        </body>
      </html>`,
  };
}

/** Asks first: programs that look at the links of a mail must not use this one up. */
export function welcomePage(): Page {
  return page(
    200,
    'Your assistant is ready',
    html`<p>This link opens it once. Open it on the device on which you want to use it.</p>
      <form method="post"><button class="act">Open my assistant</button></form>
      <p><small>It takes some seconds: we look whether everything works before you come in.</small></p>`,
  );
}

/** The one page that lets somebody in. */
export function openPage(url: string, token: string, minutes: number): Page {
  return page(
    200,
    'Come in',
    html`<p><a class="act" href="${url}" rel="noreferrer">Go to my assistant</a></p>
      <p>
        <small>This button works once, within ${String(minutes)} minutes. Afterwards this device is known there.</small>
      </p>
      <p>For programs of yours that are to reach it, this is its token. It is shown here only now:</p>
      <code>${token}</code>
      <p><small>Whoever has it can do with your assistant what you can. Keep it as you would a password.</small></p>`,
  );
}

export function earlyPage(phase: string): Page {
  return page(
    200,
    'Your assistant is being prepared',
    html`<p>It is ${phase} now. This page looks again by itself; you may close it, and come back by the same link.</p>`,
    html`<meta http-equiv="refresh" content="${String(againSeconds)}" />`,
  );
}

export function suspendedPage(): Page {
  return page(
    403,
    'Your assistant is paused',
    html`<p>Everything in it is kept. Once it goes on, this link opens it. Whoever gave you the link knows why.</p>`,
  );
}

const reasons: Readonly<Record<Over, string>> = {
  used: 'It was used before, and it opens once. If that was not you, tell whoever gave it to you at once.',
  expired: 'It was not used in time.',
  rotated: 'Your assistant has other keys by now.',
  removed: 'The assistant that it was for is no longer there.',
};

export function overPage(why: Over): Page {
  return page(
    410,
    'This link opens nothing any more',
    html`<p>${reasons[why]}</p>
      <p>Ask whoever gave it to you for another one.</p>`,
  );
}

export function unknownPage(): Page {
  return page(404, 'There is nothing here', html`<p>Look whether the whole link was taken over from the mail.</p>`);
}

export function unreachedPage(): Page {
  return page(
    503,
    'One moment',
    html`<p>Your assistant does not answer just now. Nothing is lost, and your link is not used up: try it again.</p>`,
  );
}
