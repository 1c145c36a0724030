import { expect, test } from 'vitest';
import { html } from '../../../src/front/guests/html.js';
import { earlyPage } from '../../../src/front/guests/page.js';

test('what is put into a page is text, whatever it says, unless it is markup that was made so', () => {
  const evil = `<script>alert("1" + '2')</script> & co`;
  const kept = '&lt;script&gt;alert(&quot;1&quot; + &#39;2&#39;)&lt;/script&gt; &amp; co';
  expect(html`<p title="${evil}">${html`<b>${evil}</b>`}</p>`.text).toBe(`<p title="${kept}"><b>${kept}</b></p>`);
  expect(earlyPage(evil).html.text).toContain(`It is ${kept} now`);
  expect(earlyPage(evil).html.text).not.toContain('<script');
});
