import type { WireHeaders } from '@sluice/providers'

/** What a provider's answer began with. */
export interface ResponseHead {
  readonly status: number
  /** Fit to be sent on. */
  readonly statusMessage: string
  readonly headers: WireHeaders
  /** Unix milliseconds. */
  readonly receivedAtMs: number
}

/** The name of the call that the application is told: the provider's where it gives one, or else the gateway's own. */
export function reportedRequestId(ownRequestId: string, head: ResponseHead | undefined): string {
  const given = head?.headers['x-request-id']
  return typeof given === 'string' ? given : ownRequestId
}

/** In lower case; empty where there is none. */
export function contentTypeOf({ headers }: ResponseHead): string {
  const value = headers['content-type']
  return typeof value === 'string' ? value.toLowerCase() : ''
}
