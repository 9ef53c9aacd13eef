import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect, type Socket } from 'node:net'

export interface RawResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The bytes as they arrived. */
  readonly body: Buffer
}

export interface RawRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/** Sends one HTTP request without a client library: nothing is decoded, retried or added. */
export function sendRequest(
  url: string,
  { method = 'GET', headers = {}, body }: RawRequest = {},
): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers, agent: false }, (response) => {
      const pieces: Buffer[] = []
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('error', reject)
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) })
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** Sends a POST request with JSON and an API key. */
export function postJson(
  url: string,
  apiKey: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawResponse> {
  return sendRequest(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

/** Sends `text` unchanged over its own socket; resolves with everything received until the other side closes. */
export function sendText(url: string, text: string, hold?: (socket: Socket) => void): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect({ host: hostname, port: Number(port) }, () => {
      socket.write(text, 'latin1')
      hold?.(socket)
    })
    socket.setEncoding('latin1')
    socket.on('data', (data) => {
      received += data
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(received))
  })
}
