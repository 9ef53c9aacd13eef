import type { IncomingMessage, ServerResponse } from 'node:http'
import { openAiErrorAnswer } from '@sluice/providers'
import { gatewayError } from '../domain/gateway-error.ts'
import type { DataPlane } from '../ports/data-plane.ts'
import { type ForwardOptions, forwardCall } from './forward-call.ts'
import { goneSignal } from './gone-signal.ts'
import { translateCall, type UnifiedCall } from './translate-call.ts'
import { writeError } from './write-error.ts'

/** Answers a request of the unified endpoint: says it in its provider's words, and goes on as with any other. */
export async function unifiedCall(
  plane: DataPlane,
  unified: UnifiedCall,
  request: IncomingMessage,
  body: unknown,
  response: ServerResponse,
  options: ForwardOptions,
): Promise<void> {
  const { requestId } = unified
  try {
    const translation = await translateCall(plane, unified, request, body, () => goneSignal(response))
    if (translation.status === 'translated') {
      return await forwardCall(plane, translation.call, request, translation.body, response, options)
    }
    // What is left of a body that is not read would be taken for the next request.
    request.resume()
    const { error, connection } = translation
    writeError(response, error, { requestId, connection, formatError: openAiErrorAnswer })
  } catch (err) {
    options.logger.error({ err, requestId }, 'request not translated')
    writeError(response, INTERNAL, { requestId })
  }
}

const INTERNAL = gatewayError('internal', 'Internal error.')
