import { createHash } from 'node:crypto'
import type { DataPlane } from '../ports/data-plane.ts'
import type { ResponseWatch } from './answer-relay.ts'
import type { PermittedCall, PreparedCall } from './call.ts'
import type { CallBody } from './send-call.ts'

/** Sends a call once more. @param watch for the response to that */
export type SendAgain = (call: PreparedCall, body: CallBody, watch: ResponseWatch) => void

/**
 * Returns the call as it leaves now: with what the gateway has added to its body (`inspection.addsUsage`), or without, where its model is known
 * to refuse that or the connection has turned it off. Decided at departure, as a call may have waited long for its permit.
 */
export function withAdditionDecided<C extends PreparedCall>({ streamUsage, clock }: DataPlane, call: C): C {
  const { inspection, connection } = call
  const { settings } = connection
  const addsUsage =
    settings.requestStreamUsage !== false && streamUsage.asks(settings, inspection.model, clock.elapsedMs())
  return inspection.addsUsage === addsUsage ? call : { ...call, inspection: { ...inspection, addsUsage } }
}

/**
 * Watches the response to a request to which the gateway has added a request for usage: where the provider refuses that, the request is
 * sent once more as the application sent it, under a fresh permit. What the provider then says is passed on, whatever it is; that it does not
 * name the addition any more shows that it was refused, too. Undefined where nothing can be refused.
 */
export function additionWatch(
  { streamUsage, clock }: DataPlane,
  call: PermittedCall,
  held: CallBody['held'],
  plain: () => Buffer,
  sendAgain: SendAgain,
): ResponseWatch | undefined {
  const { adapter, settings } = call.connection
  const { model } = call.inspection
  const { refusesAddition } = adapter
  if (refusesAddition === undefined) return undefined
  return {
    accepted: () => streamUsage.accepted(settings, model),
    takesOver: ({ status, body }) => refusesAddition(status, body),
    sendAgain: () => {
      const body = plain()
      const refused = (): void => streamUsage.refused(settings, model, fingerprint(body), clock.elapsedMs())
      const { permit: _permit, rateLimits: _rateLimits, ...prepared } = call
      const watch: ResponseWatch = {
        accepted: refused,
        takesOver: ({ status, body: error }) => {
          if (ABOUT_BODY.has(status) && !refusesAddition(status, error)) refused()
          return false
        },
      }
      const retried = { ...prepared, inspection: { ...prepared.inspection, addsUsage: false } }
      sendAgain(retried, { held, outgoing: () => body }, watch)
    },
  }
}

/** Tells requests apart: by their length, and what they end with, as conversations grow at their end. */
function fingerprint(body: Buffer): string {
  const end = body.subarray(-FINGERPRINT_BYTES)
  return `${body.length} ${createHash('sha256').update(end).digest('base64')}`
}

const FINGERPRINT_BYTES = 64 * 1024
/** Of errors in which a server has looked at the whole of a body. */
const ABOUT_BODY: ReadonlySet<number> = new Set([400, 422])
