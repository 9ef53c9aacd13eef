import { jsonObjectFault } from '@sluice/providers'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'

/** The object that a JSON text is; undefined where it is none. */
export function parseJsonObject(text: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text.toString('utf8'))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns what keeps a body of which {@link parseJsonObject} makes nothing from being an object, for whoever sent it. */
export function notAnObject(text: Buffer): string {
  return jsonObjectFault(text) ?? 'The body is not a JSON object.'
}

/** Returns why a request is refused whose operation takes JSON, and that has none by its method or content type. */
export function notJsonType(method: string, contentType: string | string[] | undefined): GatewayError {
  return gatewayError('invalid_request', notJsonMessage(method, contentType))
}

function notJsonMessage(method: string, contentType: string | string[] | undefined): string {
  const wanted = 'send a JSON body with the header "content-type: application/json"'
  if (method === 'GET' || method === 'HEAD') return `This operation takes POST, not ${method}: ${wanted}.`
  if (typeof contentType !== 'string') return `The request has no body that says it is JSON: ${wanted}.`
  const isJson = /^application\/json\s*(?:;|$)/i.test(contentType)
  if (isJson) return `The request has no body: ${wanted}.`
  const curl = /^application\/x-www-form-urlencoded/i.test(contentType)
    ? ' (curl -d says so unless told otherwise)'
    : ''
  return `The body is "${contentType.slice(0, MAX_SHOWN_CHARS)}"${curl}, and this operation takes JSON: ${wanted}.`
}

const MAX_SHOWN_CHARS = 100
