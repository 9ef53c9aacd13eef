import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ResponseEvent } from '@sluice/contracts'
import type { ResponseReader, ResponseTranslator } from '@sluice/providers'
import { createLogger } from '@sluice/service-kit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PermittedCall } from '../src/relay/call.ts'
import type { AttemptDeps } from '../src/relay/call-attempt.ts'
import { ResponseRelay } from '../src/relay/response-relay.ts'
import type { ResponseSink } from '../src/upstream/upstream.ts'
import { sendRequest } from './support/send-request.ts'

const BROKEN = new Error('broken')
const USAGE = { inputTokens: 3, outputTokens: 4, cachedInputTokens: 0, reasoningTokens: 0 }
const READER: ResponseReader = { push: (piece) => piece, end: () => Buffer.alloc(0), usage: USAGE, outputTokensSeen: 0 }
let server: Server
let act: (response: ServerResponse) => void
let settled: unknown[]
let aborts: number
let served: number

beforeEach(async () => {
  settled = []
  aborts = 0
  served = 0
  server = createServer((_request, response) => act(response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterEach(async () => {
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
})

interface Breakable {
  readonly reader?: () => ResponseReader
  readonly record?: (event: ResponseEvent) => void
  readonly requestId?: string
  readonly translator?: ResponseTranslator
  readonly resume?: () => void
}

/** A relay whose request is under way, with parts that may be broken. */
function relayTo(response: ServerResponse, parts: Breakable) {
  const { reader = () => READER, record, requestId = 'r-1', translator, resume = () => undefined } = parts
  const plane = {
    clock: { nowMs: () => 1, elapsedMs: () => 1 },
    upstream: { send: () => ({ sent: true, resume, abort: () => void aborts++ }) },
    events: { record: (_id: string, _provider: string, event: ResponseEvent) => record?.(event) },
    credentialReports: { accepted: () => undefined },
  }
  const call = {
    requestId,
    apiKey: { id: 'k' },
    connection: {
      settings: { id: 'c', name: 'prod', provider: 'openai' },
      adapter: { responseReader: reader, retryAfterMs: () => undefined, rateLimitHeaders: () => undefined },
      learned: { learn: () => undefined },
      cachedShares: { learn: () => undefined },
    },
    operation: {},
    inspection: { model: 'm', addsUsage: false },
    estimate: { tokens: 500, promptTokens: 100, outputTokens: 400 },
    ...(translator === undefined ? {} : { translation: { translator: () => translator } }),
    permit: { markServed: () => void served++, settle: (cost: unknown) => void settled.push(cost) },
  }
  const relay = new ResponseRelay(
    plane as unknown as AttemptDeps,
    call as unknown as PermittedCall,
    response,
    createLogger('gateway', 'silent'),
  )
  void relay.send({ origin: '', path: '', method: 'POST', headers: [], body: null }, {})
  return relay
}

const sendToRelay = () => sendRequest(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
const fail = () => {
  throw BROKEN
}

it('sends a request again if its permit expired at once, on an existing connection', async () => {
  const sending = Promise.withResolvers<unknown>()
  act = (response) => {
    const plane = {
      clock: { nowMs: () => 1, elapsedMs: () => 1 },
      upstream: {
        send: (_request: unknown, sink: ResponseSink) => {
          sink.fault({ reason: 'too-late', error: BROKEN })
          return { sent: false, resume: () => undefined, abort: () => undefined }
        },
      },
    }
    const permit = { departByMs: 0, markServed: () => undefined, settle: (cost: unknown) => void settled.push(cost) }
    const call = { requestId: 'r', connection: { settings: {} }, permit }
    const relay = new ResponseRelay(
      plane as unknown as AttemptDeps,
      call as unknown as PermittedCall,
      response,
      createLogger('gateway', 'silent'),
    )
    sending.resolve(relay.send({ origin: '', path: '', method: 'POST', headers: [], body: null }, {}))
    response.end()
  }
  await sendToRelay()
  expect(await sending.promise).toBe('too-late')
  expect(settled).toEqual([{ requests: 0, tokens: 0 }])
})

it.each([
  [200, 1],
  [304, 0],
  [400, 0],
  [429, 0],
  [529, 0],
])('reports whether the provider serves as soon as a response of %i begins', async (status, times) => {
  const seen: number[] = []
  act = (response) => {
    const relay = relayTo(response, {})
    relay.start(status, '', {})
    seen.push(served)
    relay.end()
  }
  await sendToRelay()
  expect(seen).toEqual([times])
  expect(served).toBe(times)
})

describe('a fault of the relay itself ends the call and the response', () => {
  it('with an error before the response has begun', async () => {
    act = (response) => relayTo(response, { reader: fail }).start(200, 'OK', { 'content-type': 'application/json' })
    const clientResponse = await sendToRelay()
    expect(clientResponse.status).toBe(500)
    expect(JSON.parse(clientResponse.body.toString()).error.code).toBe('internal')
    expect(settled).toEqual([{ requests: 1, tokens: 500 }])
    expect(aborts).toBe(1)
  })

  it('if its headers cannot be sent, nor an error', async () => {
    act = (response) => relayTo(response, { requestId: 'two\nlines' }).start(200, 'OK', {})
    await expect(sendToRelay()).rejects.toThrow(/socket hang up/)
    expect(settled).toEqual([{ requests: 1, tokens: 7 }])
  })

  it('between two chunks, which breaks off the response', async () => {
    act = (response) => {
      const relay = relayTo(response, { reader: () => ({ ...READER, push: fail }) })
      relay.start(200, 'OK', {})
      expect(relay.data(Buffer.from('x'))).toBe(true)
    }
    await expect(sendToRelay()).rejects.toThrow(/socket hang up/)
    expect(settled).toEqual([{ requests: 1, tokens: 7 }])
    expect(aborts).toBe(1)
  })

  it('at its end, which breaks off the response', async () => {
    act = (response) => {
      const relay = relayTo(response, { reader: () => ({ ...READER, end: fail }) })
      relay.start(200, 'OK', {})
      relay.end()
    }
    await expect(sendToRelay()).rejects.toThrow(/socket hang up/)
    expect(settled).toEqual([{ requests: 1, tokens: 500 }])
  })

  it('when it follows a fault of the provider', async () => {
    act = (response) => {
      const relay = relayTo(response, { reader: () => ({ ...READER, end: fail }) })
      relay.start(200, 'OK', {})
      relay.fault({ reason: 'unreachable', error: BROKEN })
    }
    await expect(sendToRelay()).rejects.toThrow(/socket hang up/)
    expect(settled).toEqual([{ requests: 1, tokens: 500 }])
  })

  it('when a translated stream cannot report its interruption', async () => {
    const translator = { contentType: 'text/event-stream', failed: false, push: fail, end: fail, breakOff: fail }
    act = (response) => {
      const relay = relayTo(response, { translator })
      relay.start(200, 'OK', { 'content-type': 'text/event-stream' })
      relay.fault({ reason: 'unreachable', error: BROKEN })
    }
    await expect(sendToRelay()).rejects.toThrow(/socket hang up/)
    expect(settled).toEqual([{ requests: 1, tokens: 7 }])
  })

  it('when headers that wait for a body cannot be sent', async () => {
    act = (response) => {
      response.flushHeaders = fail
      relayTo(response, {}).start(200, 'OK', {})
    }
    await expect(sendToRelay()).rejects.toThrow(/socket hang up/)
    expect(settled).toEqual([{ requests: 1, tokens: 7 }])
  })

  it('when the provider’s response cannot be resumed', async () => {
    act = (response) => {
      const relay = relayTo(response, { resume: fail })
      relay.start(200, 'OK', {})
      while (relay.data(Buffer.alloc(100_000)));
    }
    await expect(sendToRelay()).rejects.toThrow(/aborted/)
    expect(settled).toEqual([{ requests: 1, tokens: 7 }])
  })

  it('when the client has disconnected', async () => {
    const closed = Promise.withResolvers<void>()
    act = (response) => {
      relayTo(response, { reader: () => ({ ...READER, end: fail }) }).start(200, 'OK', {})
      response.on('close', () => closed.resolve())
      response.destroy()
    }
    await expect(sendToRelay()).rejects.toThrow(/socket hang up/)
    await closed.promise
    expect(settled).toEqual([{ requests: 1, tokens: 500 }])
    expect(aborts).toBe(1)
  })
})

it('reports a fault of the provider although recording the call fails', async () => {
  act = (response) => relayTo(response, { record: fail }).fault({ reason: 'timeout', error: BROKEN })
  expect((await sendToRelay()).status).toBe(504)
  expect(settled[0]).toEqual({ requests: 1, tokens: 500 })
})
