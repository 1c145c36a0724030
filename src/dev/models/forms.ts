import { z } from 'zod';

/** One part of an answer that is sent as it comes: the name of its event, where the form has one, and its data. */
type Part = { readonly event?: string; readonly data: unknown };

/** What is said when nothing is answered: the HTTP status and what each provider calls it. */
export type Trouble = {
  readonly status: number;
  readonly openai: { readonly type: string; readonly code: string | null };
  readonly anthropic: string;
  readonly message: string;
};

/** How one of the ways to ask a model looks on the wire. */
export type Form = {
  readonly whole: (model: string, text: string) => unknown;
  readonly parts: (model: string, text: string) => readonly Part[];
  /** What ends a stream after its last part. */
  readonly end: string;
  readonly trouble: (trouble: Trouble) => unknown;
};

const content = z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))]).optional();
const message = z.looseObject({ role: z.string().optional(), content });

/** A question in any of the forms, as far as it is answered. */
export const question = z.looseObject({
  model: z.string(),
  stream: z.boolean().default(false),
  messages: z.array(message).optional(),
  input: z.union([z.string(), z.array(message)]).optional(),
});

/** What a gateway tells its model besides, in the name of the person: before, after and around what was said. */
const besides = [
  /<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>[^]*?<<<END_OPENCLAW_INTERNAL_CONTEXT>>>/g,
  /^\s*\[\w{3} \d{4}-\d{2}-\d{2} [^\]]*\] /g,
  /^Sender \(untrusted metadata\):\s*```json[^]*?```\s*/g,
  /\n\nRuntime: agent=.*$/g,
];

/** The last words of the person in a question. */
export function lastWords({ messages, input }: z.infer<typeof question>): string {
  if (typeof input === 'string') return input;
  const theirs = (messages ?? input ?? []).filter(({ role }) => role === 'user');
  const said = theirs.map((each) =>
    besides.reduce((text, each) => text.replaceAll(each, ''), textOf(each.content)).trim(),
  );
  return said.findLast((words) => words !== '') ?? '';
}

function textOf(said: z.infer<typeof content>): string {
  return typeof said === 'string' ? said : (said ?? []).map(({ text }) => text ?? '').join('\n');
}

const made = 1_700_000_000;
const counted = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

const openaiTrouble: Form['trouble'] = ({ message: said, openai }) => ({
  error: { message: said, type: openai.type, param: null, code: openai.code },
});

/** OpenAI's chat completions, which every proxy speaks. */
const completions: Form = {
  whole: (model, text) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: made,
    model,
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
    usage: counted,
  }),
  parts: (model, text) => {
    const chunk = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: made, model };
    const part = (delta: unknown, finish: string | null) => ({
      data: { ...chunk, choices: [{ index: 0, delta, finish_reason: finish }] },
    });
    const said = words(text).map((word) => part({ content: word }, null));
    return [
      part({ role: 'assistant', content: '' }, null),
      ...said,
      part({}, 'stop'),
      { data: { ...chunk, choices: [], usage: counted } },
    ];
  },
  end: 'data: [DONE]\n\n',
  trouble: openaiTrouble,
};

/** OpenAI's responses, by which a gateway also asks for the titles of its sessions. */
const responses: Form = {
  whole: (model, text) => response(model, 'completed', [output(text)]),
  parts: (model, text) => {
    const at = { item_id: 'msg_1', output_index: 0, content_index: 0 };
    const events = [
      { type: 'response.created', response: response(model, 'in_progress', []) },
      { type: 'response.output_item.added', output_index: 0, item: { ...output(''), content: [] } },
      { type: 'response.content_part.added', ...at, part: { type: 'output_text', text: '', annotations: [] } },
      ...words(text).map((delta) => ({ type: 'response.output_text.delta', ...at, delta })),
      { type: 'response.output_text.done', ...at, text },
      { type: 'response.output_item.done', output_index: 0, item: output(text) },
      { type: 'response.completed', response: response(model, 'completed', [output(text)]) },
    ];
    return events.map((data) => ({ event: data.type, data }));
  },
  end: '',
  trouble: openaiTrouble,
};

/** Anthropic's messages. */
const anthropic: Form = {
  whole: (model, text) => ({ ...begun(model), content: [{ type: 'text', text }], stop_reason: 'end_turn' }),
  parts: (model, text) => {
    const events = [
      { type: 'message_start', message: begun(model) },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      ...words(text).map((word) => ({
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'text_delta', text: word },
      })),
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 5 } },
      { type: 'message_stop' },
    ];
    return events.map((data) => ({ event: data.type, data }));
  },
  end: '',
  trouble: ({ message: said, anthropic: type }) => ({ type: 'error', error: { type, message: said } }),
};

/** The forms by the path at which they are asked for. */
export const forms: Readonly<Record<string, Form>> = {
  '/v1/chat/completions': completions,
  '/v1/responses': responses,
  '/v1/messages': anthropic,
};

function begun(model: string) {
  const usage = { input_tokens: 10, output_tokens: 5 };
  return { id: 'msg_1', type: 'message', role: 'assistant', model, content: [], stop_reason: null, usage };
}

function response(model: string, status: string, items: readonly unknown[]) {
  const usage = { input_tokens: 10, output_tokens: 5, total_tokens: 15 };
  return { id: 'resp_1', object: 'response', created_at: made, status, model, output: items, usage };
}

function output(text: string) {
  const said = [{ type: 'output_text', text, annotations: [] }];
  return { id: 'msg_1', type: 'message', role: 'assistant', status: 'completed', content: said };
}

function words(text: string): string[] {
  return text.match(/\S+\s*/g) ?? [];
}
