import { z } from 'zod';
import { errorForm, heardForm, noticeForm } from './notice-form.js';

/** What the front door hears, as OpenAPI 3.1: `docs/front-door.openapi.json` is this, and `GET /openapi.json` answers it. */
export function openapi(): object {
  return {
    openapi: '3.1.1',
    info: {
      title: 'The front door of creel',
      version: '1',
      description:
        'What billing systems tell `creel serve`. A webhook is signed as https://www.standardwebhooks.com says, and told again with the same id until it is answered with 200: it counts once.',
    },
    paths: {
      '/billing': { post: { summary: 'How a subscription stands', ...told() } },
      '/stripe': {
        post: {
          summary: 'An event of Stripe, signed by it',
          parameters: [header('stripe-signature', 'The signature, as Stripe sends it.')],
          requestBody: { required: true, content: json({ type: 'object' }) },
          responses: { ...answers, 200: { description: 'It is on record, or changes no gateway.' } },
        },
      },
      '/healthz': { get: { summary: 'Whether it runs', responses: { 200: { description: 'It does.' } } } },
      '/readyz': {
        get: {
          summary: 'Whether what is told can be taken in',
          responses: {
            200: { description: 'Temporal answers, and a worker listens.' },
            503: { description: 'One of them does not.' },
          },
        },
      },
    },
    components: {
      schemas: { Notice: schemaOf(noticeForm), Heard: schemaOf(heardForm), Error: schemaOf(errorForm) },
    },
  };
}

function told() {
  return {
    parameters: [
      header('webhook-id', 'The id of what is told, the same each time that it is told.'),
      header('webhook-timestamp', 'When this was sent, in seconds since 1970: within five minutes of now.'),
      header('webhook-signature', '`v1,` and the HMAC-SHA256, in base64, of id, timestamp and body with dots between.'),
    ],
    requestBody: { required: true, content: json(ref('Notice')) },
    responses: answers,
  };
}

const answers = {
  200: { description: 'It is on record.', content: json(ref('Heard')) },
  400: refused('The signature or the form is not good. Nothing was heard.'),
  409: refused('The record of the gateway does not take it: a person is told.'),
  413: refused('The body is longer than 256 KB.'),
  422: refused('It was paid for, and no plan names it: a person is told.'),
  503: refused('Nobody can take it in now. Tell it again.'),
};

function refused(description: string) {
  return { description, content: json(ref('Error')) };
}

function header(name: string, description: string) {
  return { name, in: 'header', required: true, description, schema: { type: 'string' } };
}

function json(schema: object) {
  return { 'application/json': { schema } };
}

function ref(name: string) {
  return { $ref: `#/components/schemas/${name}` };
}

function schemaOf(form: z.ZodType): object {
  const { $schema: _draft, ...schema } = z.toJSONSchema(form, { io: 'input' });
  return schema;
}
