/** Streams as Anthropic sends them, event by event. */
export const TEXT_STREAM = [
  start({ input_tokens: 12, cache_creation_input_tokens: 3, cache_read_input_tokens: 100, output_tokens: 1 }),
  block(0, { type: 'text', text: '' }),
  { type: 'ping' },
  delta(0, { type: 'text_delta', text: 'naïve ' }),
  delta(0, { type: 'text_delta', text: '🙂' }),
  stop(0),
  ending({ stop_reason: null, stop_sequence: null }, { output_tokens: 4 }),
  ending({ stop_reason: 'end_turn', stop_sequence: null }, { output_tokens: 9 }),
  { type: 'message_stop' },
]

export const TOOL_STREAM = [
  start({ input_tokens: 40, output_tokens: 2 }),
  block(0, { type: 'thinking', thinking: '', signature: '' }),
  delta(0, { type: 'thinking_delta', thinking: 'Both ' }),
  delta(0, { type: 'thinking_delta', thinking: 'cities.' }),
  delta(0, { type: 'signature_delta', signature: 'EqsF' }),
  stop(0),
  block(1, { type: 'text', text: 'Let me' }),
  delta(1, { type: 'text_delta', text: ' look.' }),
  stop(1),
  block(2, { type: 'redacted_thinking', data: 'hidden' }),
  stop(2),
  block(3, { type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} }),
  delta(3, { type: 'input_json_delta', partial_json: '' }),
  delta(3, { type: 'input_json_delta', partial_json: '{"city":' }),
  delta(3, { type: 'input_json_delta', partial_json: '"Oslo"}' }),
  stop(3),
  block(4, { type: 'tool_use', id: 'toolu_2', name: 'now', input: {} }),
  delta(4, { type: 'input_json_delta', partial_json: '' }),
  stop(4),
  ending(
    { stop_reason: 'tool_use', stop_sequence: null },
    { output_tokens: 50, output_tokens_details: { thinking_tokens: 20 } },
  ),
  { type: 'message_stop' },
]

export const REFUSED_STREAM = [
  start({ input_tokens: 18, output_tokens: 1 }),
  ending(
    {
      stop_reason: 'refusal',
      stop_sequence: null,
      stop_details: { type: 'refusal', category: 'cyber', explanation: 'Not this.' },
    },
    { output_tokens: 5 },
  ),
  { type: 'message_stop' },
]

/** The bytes of such a stream, or of its beginning. */
export function streamBytes(events: readonly { readonly type: string }[]): Buffer {
  return Buffer.from(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''))
}

export function start(usage: object) {
  const message = { id: 'msg_1', type: 'message', role: 'assistant', content: [], stop_reason: null, usage }
  return { type: 'message_start', message }
}

export function block(index: number, content: object) {
  return { type: 'content_block_start', index, content_block: content }
}

export function delta(index: number, change: object) {
  return { type: 'content_block_delta', index, delta: change }
}

export function stop(index: number) {
  return { type: 'content_block_stop', index }
}

export function ending(change: object, usage: object) {
  return { type: 'message_delta', delta: change, usage }
}
