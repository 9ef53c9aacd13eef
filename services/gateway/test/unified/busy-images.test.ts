import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { eventually } from '@sluice/testkit'
import OpenAI from 'openai'
import { expect, it } from 'vitest'
import { startUnifiedPath } from '../support/unified-client.ts'

it('lets a key with too many images retry, while others are served', async () => {
  const silent = createServer()
  const sockets: Socket[] = []
  silent.on('connection', (socket) => sockets.push(socket))
  await once(silent.listen(0, '127.0.0.1'), 'listening')
  const path = await startUnifiedPath('google')
  const { settings } = await path.connect()
  const leaving = new AbortController()

  const send = (apiKey: string, signal?: AbortSignal) => {
    const client = new OpenAI({ apiKey, baseURL: `${path.gateway.url}/v1`, maxRetries: 0 })
    const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/a.png`
    const content = [{ type: 'image_url' as const, image_url: { url } }]
    const body = { model: `${settings.name}/gemini-2.5-flash`, messages: [{ role: 'user' as const, content }] }
    return client.chat.completions.create(body, signal === undefined ? {} : { signal })
  }

  // One key holds half of the slots, as many more of its requests wait as may, and one is too many.
  const greedy = Array.from({ length: 8 + 32 + 1 }, () =>
    send(path.apiKey, leaving.signal).then(
      () => undefined,
      (error: unknown) => error,
    ),
  )
  await eventually(() => expect(sockets).toHaveLength(8))
  const busy = await Promise.race(greedy)
  if (!(busy instanceof OpenAI.InternalServerError)) throw new Error('the first response is not the expected 503')
  expect(busy).toMatchObject({ status: 503, code: 'unavailable', message: expect.stringContaining('too many images') })
  expect(busy.headers?.get('retry-after')).toBe('1')

  const other = send(await path.gateway.apiKey(), leaving.signal).catch(() => undefined)
  await eventually(() => expect(sockets).toHaveLength(9))
  leaving.abort()
  await Promise.all([...greedy, other])
  for (const socket of sockets) socket.destroy()
  await path.stop()
  silent.close()
})
