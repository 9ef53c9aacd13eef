import type { Answer } from '../providers/simulated-provider.ts'

export function jsonResponse(content: unknown): Answer {
  return {
    kind: 'body',
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(content),
  }
}
