import type { DataPlane } from '../ports/data-plane.ts'
import type { AnswerWatch } from './answer-relay.ts'
import type { PermittedCall, PreparedCall } from './call.ts'
import type { CallBody } from './send-call.ts'

/** Sends a call once more. @param watch for the response to that */
export type SendAgain = (call: PreparedCall, body: CallBody, watch: AnswerWatch) => void

/**
 * Watches the response to a request to which the gateway has added a request for usage: where the provider refuses that, the request is
 * sent once more as the application sent it, under a fresh permit, and the refusal is remembered for the connection's model. What the provider
 * then says is passed on, whatever it is. Undefined where nothing was added, or leaving it out has made no difference lately.
 */
export function additionWatch(
  { streamUsage, clock }: DataPlane,
  call: PermittedCall,
  { held, plain }: CallBody,
  sendAgain: SendAgain,
): AnswerWatch | undefined {
  const { adapter, settings } = call.connection
  const { model } = call.inspection
  if (plain === undefined || adapter.refusesAddition === undefined) return undefined
  if (!streamUsage.mayRetry(settings, model, clock.elapsedMs())) return undefined
  return {
    takesOver: ({ status, body }) => adapter.refusesAddition?.(status, body) === true,
    sendAgain: () => {
      const note = (refuses: boolean): void => streamUsage.note(settings, model, refuses, clock.elapsedMs())
      const body = plain()
      const { permit: _permit, rateLimits: _rateLimits, ...prepared } = call
      const retried = { ...prepared, inspection: { ...prepared.inspection, addsUsage: false } }
      sendAgain(
        retried,
        { held, outgoing: () => body },
        {
          accepted: () => note(true),
          takesOver: ({ status }) => {
            if (status < 500 && status !== 429) note(false)
            return false
          },
        },
      )
    },
  }
}
