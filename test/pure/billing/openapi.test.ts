import { expect, test } from 'vitest';
import { openapi } from '../../../src/front/openapi.js';
import { noticeForm } from '../../../src/front/notice-form.js';

test('docs/front-door.openapi.json is what the front door hears: `npx vitest run test/pure/billing -u` writes it anew (K-2)', async () => {
  await expect(`${JSON.stringify(openapi(), undefined, 2)}\n`).toMatchFileSnapshot(
    '../../../docs/front-door.openapi.json',
  );
});

test('what it describes as a notice is what is taken as one', () => {
  const { components } = openapi() as {
    components: { schemas: { Notice: { required: string[]; properties: object } } };
  };
  expect(components.schemas.Notice.required.toSorted()).toEqual(['at', 'standing', 'subscription']);
  expect(Object.keys(components.schemas.Notice.properties).toSorted()).toEqual(
    Object.keys(noticeForm.shape).toSorted(),
  );
});
