import type { IncomingMessage, ServerResponse } from 'node:http'
import { JsonStructure, openAiErrorResponse } from '@sluice/providers'
import type { Connection } from '../domain/connection.ts'
import type { GatewayError } from '../domain/gateway-error.ts'
import { notJsonType } from '../domain/parse-json-object.ts'
import type { DataPlane } from '../ports/data-plane.ts'
import { ApplicationGone } from '../ports/documents.ts'
import { faultError } from './fault-error.ts'
import { type ForwardOptions, isJson } from './forward-call.ts'
import { holdingBytes } from './hold-bytes.ts'
import { bringsBody } from './receive-body.ts'
import { receiveDecodedBody } from './receive-decoded-body.ts'
import { sendCall } from './send-call.ts'
import { translateCall, type UnifiedCall } from './translate-call.ts'
import { writeError } from './write-error.ts'

/** Answers a request of the unified endpoint: says it in its provider's words, and goes on as with any other. */
export async function unifiedCall(
  plane: DataPlane,
  unified: UnifiedCall,
  request: IncomingMessage,
  response: ServerResponse,
  { logger, maxBodyBytes }: ForwardOptions,
): Promise<void> {
  const { requestId, apiKey } = unified
  const refuse = (error: GatewayError, connection?: Connection): void => {
    writeError(response, error, { requestId, connection, formatError: openAiErrorResponse })
  }
  try {
    if (!bringsBody(request) || !isJson(request.headers['content-type'] ?? '')) {
      return refuse(notJsonType('POST', request.headers['content-type']))
    }
    await holdingBytes(plane, apiKey, response, async (held) => {
      const structure = new JsonStructure()
      const received = await receiveDecodedBody(request, {
        bodyDecoder: plane.bodyDecoder,
        owner: apiKey.id,
        isGone: () => response.destroyed,
        maxBytes: maxBodyBytes,
        held,
        structure,
      })
      if (received.status === 'left') return
      if (received.status === 'refused') return refuse(received.error)
      const translation = await translateCall(
        plane,
        unified,
        request,
        { body: received.body, structure, held },
        response,
      )
      if (translation.status === 'refused') return refuse(translation.error, translation.connection)
      const { call, body, waitMs } = translation
      await sendCall(plane, call, body, response, { waitMs, logger })
    })
  } catch (error) {
    if (!(error instanceof ApplicationGone)) refuse(faultError(error, requestId, logger))
  }
}
