import type { BodyResponse } from '../simulated-provider.ts'

export function xmlResponse(status: number, body: string): BodyResponse {
  return { kind: 'body', status, headers: { 'content-type': 'text/xml' }, body: `${body}\n` }
}

/** Character data with what would be markup in it escaped. */
export function xmlText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
