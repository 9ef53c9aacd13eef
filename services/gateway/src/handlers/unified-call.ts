import type { IncomingMessage, ServerResponse } from 'node:http'
import { JsonStructure, openAiErrorAnswer } from '@sluice/providers'
import type { Connection } from '../domain/connection.ts'
import { type GatewayError, gatewayError } from '../domain/gateway-error.ts'
import type { DataPlane } from '../ports/data-plane.ts'
import { faultError } from './fault-error.ts'
import { type ForwardOptions, isJson } from './forward-call.ts'
import { goneSignal } from './gone-signal.ts'
import { holdBytes } from './hold-bytes.ts'
import { receiveBody } from './receive-body.ts'
import { refuseCall } from './refuse-call.ts'
import { sendCall, waitOf } from './send-call.ts'
import { translateCall, type UnifiedCall } from './translate-call.ts'
import { writeError } from './write-error.ts'

/** Answers a request of the unified endpoint: says it in its provider's words, and goes on as with any other. */
export async function unifiedCall(
  plane: DataPlane,
  unified: UnifiedCall,
  request: IncomingMessage,
  hasBody: boolean,
  response: ServerResponse,
  { logger, maxBodyBytes }: ForwardOptions,
): Promise<void> {
  const { requestId, apiKey } = unified
  const refuse = (error: GatewayError, connection?: Connection): void => {
    writeError(response, error, { requestId, connection, formatError: openAiErrorAnswer })
  }
  try {
    if (!hasBody || !isJson(request.headers['content-type'] ?? '')) {
      // What is left of a body that is not read would be taken for the next request.
      request.resume()
      return refuse(NOT_JSON_TYPE)
    }
    const held = holdBytes(plane, apiKey, response)
    const structure = new JsonStructure()
    const received = await receiveBody(request, { maxBytes: maxBodyBytes, held, structure })
    if (received.status === 'left') return
    if (received.status === 'refused') {
      return refuse(received.error)
    }
    const translation = await translateCall(plane, unified, request, { body: received.body, structure }, held, () =>
      goneSignal(response),
    )
    if (translation.status === 'refused') return refuse(translation.error, translation.connection)
    const { call, body } = translation
    const waitMs = waitOf(call, request)
    if (typeof waitMs !== 'number') return refuseCall(plane, call, waitMs, response)
    await sendCall(plane, call, body, response, { waitMs, logger })
  } catch (error) {
    refuse(faultError(error, requestId, logger))
  }
}

const NOT_JSON_TYPE = gatewayError(
  'invalid_request',
  'This operation takes a JSON body, with content-type application/json.',
)
