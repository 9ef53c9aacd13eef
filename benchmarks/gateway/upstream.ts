import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { CHAT_COMPLETION, CHUNKS, RATE_LIMIT_HEADERS, USAGE_CHUNK } from './upstream-answers.ts'

/**
 * The provider that all proxies of the comparison call: as its own process, on port `PORT`, answering chat completions as OpenAI
 * does, as fast as it can, and always the same.
 */
const server = createServer((request, response) => {
  const pieces: Buffer[] = []
  request.on('data', (piece: Buffer) => pieces.push(piece))
  request.on('end', () => answer(request, Buffer.concat(pieces), response))
})
// Longer than any pause of a proxy between two rounds: none is to find its connections closed.
server.keepAliveTimeout = 600_000
server.listen(Number(process.env.PORT), '127.0.0.1', () => process.send?.('ready'))
process.once('disconnect', () => process.exit())

let answered = 0

function answer(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
  if (request.url !== '/v1/chat/completions' || request.headers.authorization !== `Bearer ${process.env.API_KEY}`) {
    response.writeHead(404).end()
    return
  }
  const headers = { ...RATE_LIMIT_HEADERS, 'x-request-id': `req_${(++answered).toString(16).padStart(32, '0')}` }
  const { stream, stream_options: options } = JSON.parse(body.toString())
  if (stream !== true) {
    const length = { 'content-type': 'application/json', 'content-length': CHAT_COMPLETION.length }
    response.writeHead(200, { ...headers, ...length }).end(CHAT_COMPLETION)
    return
  }
  response.writeHead(200, { ...headers, 'content-type': 'text/event-stream; charset=utf-8' })
  const usage = options?.include_usage === true ? [USAGE_CHUNK] : []
  writeEach([...CHUNKS, ...usage, 'data: [DONE]\n\n'], response)
}

/** Each in its own turn of the event loop, and so in its own write to the socket, as tokens come one by one. */
function writeEach([chunk, ...rest]: readonly string[], response: ServerResponse): void {
  if (chunk === undefined) {
    response.end()
    return
  }
  response.write(chunk)
  setImmediate(writeEach, rest, response)
}
