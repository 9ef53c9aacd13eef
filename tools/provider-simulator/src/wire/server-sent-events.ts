import type { StreamResponse } from '../providers/simulated-provider.ts'

/** Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), made one by one as they are sent. */
export function eventStream(events: Iterable<string>, errorChunk: StreamResponse['errorChunk']): StreamResponse {
  return {
    kind: 'stream',
    status: 200,
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' },
    chunks: events,
    errorChunk,
  }
}

export function dataEvent(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`
}

export function namedEvent(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
