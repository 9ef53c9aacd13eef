import type { IncomingMessage, ServerResponse } from 'node:http'
import { JsonStructure, openAiErrorResponse } from '@sluice/providers'
import type { Connection } from '../admission/connection.ts'
import { faultError } from '../admission/refuse.ts'
import type { DataPlane } from '../data-plane.ts'
import { ClientDisconnected } from '../estimate/body-reader.ts'
import { notJsonType } from '../estimate/json-body.ts'
import type { GatewayError } from '../http/gateway-error.ts'
import { holdingBytes } from '../http/held-bytes.ts'
import { bringsBody } from '../http/receive-body.ts'
import { receiveDecodedBody } from '../http/receive-decoded-body.ts'
import { writeError } from '../http/write-error.ts'
import { type ForwardOptions, isJson } from '../relay/forward-call.ts'
import { sendCall } from '../relay/send-call.ts'
import { translateCall, type UnifiedCall } from './translate-call.ts'

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
    if (!(error instanceof ClientDisconnected)) refuse(faultError(error, requestId, logger))
  }
}
