import type { Answer } from '../simulated-provider.ts'

/** Server-sent events, made one by one as they are sent. */
export function eventStreamAnswer(events: Iterable<string>): Answer {
  return {
    kind: 'stream',
    status: 200,
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' },
    chunks: events,
  }
}

/** What ends a stream of completions. */
export const DONE = 'data: [DONE]\n\n'

export function dataEvent(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`
}

/** An event with a name, as the Responses API sends them. */
export function namedEvent(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}

/**
 * Padding that hides how long a token is from who watches the encrypted stream; its length varies in no visible order
 * (https://platform.openai.com/docs/api-reference/chat/create, `stream_options.include_obfuscation`).
 */
export function obfuscation(index: number): string {
  return PADDING.slice(0, 1 + ((index * 7) % PADDING.length))
}

const PADDING = 'q8ZtLw3xRv0KcJm5'
