import { JsonStructure, openAiErrorResponse } from '@sluice/providers'
import { waitOf } from '../admission/check-head.ts'
import { endedByFault, refuse, refuseUnadmitted } from '../admission/refuse.ts'
import { notJsonType } from '../estimate/json-body.ts'
import { type HeldBytes, holdingBytes } from '../http/held-bytes.ts'
import { bringsBody } from '../http/receive-body.ts'
import { receiveDecodedBody } from '../http/receive-decoded-body.ts'
import { type ForwardDeps, type ForwardOptions, isJson } from '../relay/forward-call.ts'
import { sendCall } from '../relay/send-call.ts'
import { type Ended, refused } from '../result.ts'
import type { Images } from './images.ts'
import { namedModel } from './named-model.ts'
import { translateCall } from './translate-call.ts'
import type { UnifiedCall } from './unified-call.ts'

export interface UnifiedDeps extends ForwardDeps {
  readonly images: Images
}

/**
 * Takes a unified call from its request to its recorded end: checks headers and body, finds the connection, translates the request, and goes
 * on as a native call does, in {@link sendCall}. Ends the response in any case.
 */
export async function forwardUnifiedCall(
  deps: UnifiedDeps,
  unified: UnifiedCall,
  options: ForwardOptions,
): Promise<void> {
  const { requestId, startedAtMs, apiKey, request, response } = unified
  const formatError = openAiErrorResponse
  // Until its connection is known, the request is not admitted.
  let end = (ended: Ended): void => refuseUnadmitted({ requestId, formatError }, ended, response)

  const translateAndSend = async (held: HeldBytes): Promise<void> => {
    // Body.
    const structure = new JsonStructure()
    const received = await receiveDecodedBody(request, {
      bodyDecoder: deps.bodyDecoder,
      owner: apiKey.id,
      isDisconnected: () => response.destroyed,
      maxBytes: options.maxBodyBytes,
      held,
      structure,
    })
    if (received.status !== 'ok') return end(received)
    const body = { body: received.value, structure, held }

    // Connection.
    const named = await namedModel(deps, unified, body)
    if (named.status !== 'ok')
      return refuseUnadmitted({ requestId, formatError, connection: named.connection }, named, response)
    const { connection } = named.value
    end = (ended) => refuse(deps, { requestId, startedAtMs, apiKey, connection, formatError }, ended, response)

    // Headers, now that the connection's default is known.
    const wait = waitOf(connection, request)
    if (wait.status !== 'ok') return end(wait)
    const waitMs = wait.value

    // Translation.
    const translated = await translateCall(deps, unified, named.value, body, { mayWait: waitMs > 0 })
    if (translated.status !== 'ok') return end(translated)
    await sendCall(deps, translated.value.call, translated.value.body, response, { waitMs, logger: options.logger })
  }

  try {
    const type = request.headers['content-type']
    if (!bringsBody(request) || !isJson(type ?? '')) return end(refused(notJsonType('POST', type)))
    await holdingBytes(deps.heldBytes, apiKey, response, translateAndSend)
  } catch (error) {
    end(endedByFault(error, requestId, options.logger))
  }
}
