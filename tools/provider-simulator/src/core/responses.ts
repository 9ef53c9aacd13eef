import type { OutgoingHttpHeaders } from 'node:http'

/** One HTTP response of a provider, with only those headers that belong to its content. */
export type ProviderResponse = BodyResponse | StreamResponse

export interface BodyResponse {
  readonly kind: 'body'
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly body: string
}

export interface StreamResponse {
  readonly kind: 'stream'
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  /** Each is flushed by itself: one server-sent event, or one frame. Produced one at a time, as they are sent. */
  readonly chunks: Iterable<Chunk>
  /** Returns what ends the stream when something fails halfway. */
  errorChunk(error: StreamError): Chunk
}

export type Chunk = string | Uint8Array

export interface StreamError {
  /** The HTTP status that the error would have had at the start. */
  readonly status: number
  readonly message?: string
}

export function jsonResponse(content: unknown): BodyResponse {
  return {
    kind: 'body',
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(content),
  }
}

/** Responds with server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html. */
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
