import type { BodyAnswer } from '../simulated-provider.ts'

/** Indented, as Google sends it. */
export function prettyAnswer(content: unknown): BodyAnswer {
  return {
    kind: 'body',
    status: 200,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    body: `${JSON.stringify(content, null, 2)}\n`,
  }
}
