import type { BodyResponse } from '../simulated-provider.ts'

/** Indented, as Google sends it. */
export function prettyResponse(content: unknown): BodyResponse {
  return {
    kind: 'body',
    status: 200,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    body: `${JSON.stringify(content, null, 2)}\n`,
  }
}
