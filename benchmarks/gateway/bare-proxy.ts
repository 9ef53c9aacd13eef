import type { IncomingHttpHeaders } from 'node:http'
import { fastify } from 'fastify'
import { Agent, request } from 'undici'

/**
 * The minimal proxy with these libraries, as its own process on port `PORT`: it forwards a request to `UPSTREAM_URL`
 * with another key and streams the response back. It checks, counts and records nothing.
 */
const upstreamUrl = process.env.UPSTREAM_URL ?? ''
const authorization = `Bearer ${process.env.API_KEY}`
const dispatcher = new Agent()

const app = fastify({ logger: false })
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
app.post('/*', async (incoming, reply) => {
  const response = await request(upstreamUrl + incoming.url, {
    dispatcher,
    method: 'POST',
    headers: { ...endToEnd(incoming.headers), authorization },
    body: incoming.body as Buffer,
  })
  return reply.code(response.statusCode).headers(endToEnd(response.headers)).send(response.body)
})
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })
process.send?.('ready')
process.once('disconnect', () => process.exit())

/** Removes the hop-by-hop headers. */
function endToEnd({
  host: _host,
  connection: _connection,
  'keep-alive': _keepAlive,
  'transfer-encoding': _transferEncoding,
  ...headers
}: IncomingHttpHeaders): IncomingHttpHeaders {
  return headers
}
