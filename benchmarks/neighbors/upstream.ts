import { createServer } from 'node:http'

/** A provider that reads any request and responds at once, as its own process on port `PORT`. */
const RESPONSES: ReadonlyMap<string, string> = new Map([
  [
    '/v1/messages',
    '{"type":"message","role":"assistant","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":9,"output_tokens":1}}',
  ],
])
const CHAT_COMPLETION =
  '{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}}'

const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    response.setHeader('content-type', 'application/json')
    response.end(RESPONSES.get(request.url ?? '') ?? CHAT_COMPLETION)
  })
})
server.keepAliveTimeout = 600_000
server.listen(Number(process.env.PORT), '127.0.0.1', () => process.send?.('ready'))
process.once('disconnect', () => process.exit())
