import type { IncomingMessage, ServerResponse } from 'node:http'
import { JsonStructure, openAiErrorResponse } from '@sluice/providers'
import { waitOf } from '../admission/check-head.ts'
import { type AdmittedRequest, endedByFault, refuse } from '../admission/refuse.ts'
import { notJsonType } from '../estimate/json-body.ts'
import { type HeldBytes, holdingBytes } from '../http/held-bytes.ts'
import { bringsBody } from '../http/receive-body.ts'
import { receiveDecodedBody } from '../http/receive-decoded-body.ts'
import type { ErrorContext } from '../http/write-error.ts'
import { type ForwardDeps, type ForwardOptions, isJson } from '../relay/forward-call.ts'
import { sendCall } from '../relay/send-call.ts'
import { type Ended, refused } from '../result.ts'
import type { Images } from './images.ts'
import { namedModel, translateCall, type UnifiedCall } from './translate-call.ts'

export interface UnifiedDeps extends ForwardDeps {
  readonly images: Images
}

/**
 * Takes a unified call from its request to its recorded end: checks headers and body, finds the connection, translates the request, and goes
 * on as a native call does, in {@link sendCall}. Ends the response in any case.
 */
export async function unifiedCall(
  deps: UnifiedDeps,
  unified: UnifiedCall,
  request: IncomingMessage,
  response: ServerResponse,
  options: ForwardOptions,
): Promise<void> {
  const { requestId, startedAtMs, apiKey } = unified
  // How its errors are worded, and where they are recorded, as far as that is known.
  let known: ErrorContext | AdmittedRequest = { requestId, formatError: openAiErrorResponse }
  const end = (ended: Ended): void => refuse(deps, known, ended, response)

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
    const named = await namedModel(deps, unified, request, body, response)
    if (named.status !== 'ok') {
      known = { ...known, connection: named.connection }
      return end(named)
    }
    const { connection } = named.value
    known = { requestId, startedAtMs, apiKey, connection, formatError: openAiErrorResponse }

    // Headers; which connection's default holds is known by now only.
    const wait = waitOf(connection, request)
    if (wait.status !== 'ok') return end(wait)
    const waitMs = wait.value

    const translated = await translateCall(deps, unified, request, named.value, body, waitMs > 0, response)
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
