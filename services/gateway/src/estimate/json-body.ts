import { isRecord, jsonObjectFault } from '@sluice/providers'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'

/** Parses a JSON object; undefined if the text is not one. */
export function parseJsonObject(text: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text.toString('utf8'))
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Returns why {@link parseJsonObject} rejects a body, for the error response. */
export function notAnObject(text: Buffer): string {
  return jsonObjectFault(text) ?? 'The body is not a JSON object.'
}

/** Returns the error response for a request without a JSON body, by its method and content type, to an operation that requires one. */
export function notJsonType(method: string, contentType: string | string[] | undefined): GatewayError {
  return gatewayError('invalid_request', notJsonMessage(method, contentType))
}

function notJsonMessage(method: string, contentType: string | string[] | undefined): string {
  const wanted = 'send a JSON body with the header "content-type: application/json"'
  if (method === 'GET' || method === 'HEAD') return `This operation takes POST, not ${method}: ${wanted}.`
  if (typeof contentType !== 'string') return `The request has no content type: ${wanted}.`
  const isJson = /^application\/json\s*(?:;|$)/i.test(contentType)
  if (isJson) return `The request has no body: ${wanted}.`
  const curl = /^application\/x-www-form-urlencoded/i.test(contentType) ? ' (the default of curl -d)' : ''
  return `The content type is "${contentType.slice(0, MAX_SHOWN_CHARS)}"${curl}, but this operation takes JSON: ${wanted}.`
}

const MAX_SHOWN_CHARS = 100
