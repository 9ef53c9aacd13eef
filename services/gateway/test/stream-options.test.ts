import type { ServerResponse } from 'node:http'
import { eventually } from '@sluice/testkit'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FreshConnection, freshConnection } from './support/fresh-connection.ts'
import { startRawUpstream } from './support/raw-upstream.ts'
import { postJson } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'
import type { ConnectionToMake } from './support/start-gateway.ts'

const chunk = (delta: object, more: object = {}) =>
  `data: ${JSON.stringify({ id: 'c-1', object: 'chat.completion.chunk', model: 'm', choices: [{ index: 0, delta }], ...more })}\n\n`
const USAGE = { usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 } }
const STREAM = `${chunk({ role: 'assistant', content: 'Bon' })}${chunk({ content: 'jour' }, USAGE)}data: [DONE]\n\n`
const WITHOUT_USAGE = `${chunk({ content: 'Bon' })}${chunk({ content: 'jour' })}data: [DONE]\n\n`
const FORBIDDEN = {
  object: 'error',
  message: {
    detail: [{ type: 'extra_forbidden', loc: ['body', 'stream_options'], msg: 'Extra inputs are not permitted' }],
  },
}
const BODY = { model: 'strict-1', stream: true, messages: [{ role: 'user', content: 'Salut' }] }
let received: Record<string, unknown>[]
let respond: (body: Record<string, unknown>, response: ServerResponse) => void

const data = startBeforeAll(startDataPath)
const upstream = startBeforeAll(startRawUpstream)
beforeAll(async () => {
  upstream.respond = (request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(pieces).toString())
      received.push(body)
      respond(body, response)
    })
  }
})
beforeEach(() => {
  received = []
  respond = strict()
})

const refuse = (response: ServerResponse, status: number, error: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(error))
}
const stream = (response: ServerResponse, text = STREAM): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text)
}

/** A server that takes no `stream_options`, whatever is in it. */
function strict(status = 422, error: unknown = FORBIDDEN, text = STREAM): typeof respond {
  return (body, response) => ('stream_options' in body ? refuse(response, status, error) : stream(response, text))
}

const connection = (settings: Partial<ConnectionToMake> = {}) =>
  freshConnection(data.gateway, data.apiKey, { baseUrl: `${upstream.url}/v1`, ...settings })
const native = ({ baseURL }: FreshConnection, body: object = BODY) =>
  postJson(`${baseURL}/v1/chat/completions`, data.apiKey, body)
const unified = ({ settings }: FreshConnection, body: object = BODY) =>
  postJson(`${data.gateway.url}/v1/chat/completions`, data.apiKey, { ...body, model: `${settings.name}/strict-1` })

const other = (n: number): object => ({ ...BODY, messages: [{ role: 'user', content: `Salut ${n}` }] })
const requested = (): boolean[] => received.map((body) => 'stream_options' in body)

describe.each([
  ['native', native],
  ['unified', unified],
])('a stream that is sent %s', (_, send) => {
  it.each([
    [422, FORBIDDEN],
    [400, { error: { message: 'Unrecognized request argument supplied: stream_options', param: null } }],
    [422, { detail: 'Extra inputs are not permitted' }],
    [500, { error: "create() got an unexpected keyword argument 'stream_options'" }],
  ])(
    'succeeds at a server that responds to stream_options with %i %j, and goes without at once after two of them',
    async (status, error) => {
      respond = strict(status, error)
      const target = await connection()
      const clientResponse = await send(target)
      expect([clientResponse.status, clientResponse.body.toString()]).toEqual([200, STREAM])
      expect(received.map((body) => 'stream_options' in body)).toEqual([true, false])
      expect(received[1]).toEqual(BODY)
      for (const n of [1, 2]) expect((await send(target, other(n))).status).toBe(200)
      expect(requested()).toEqual([true, false, true, false, false])
      expect(received.at(-1)).toEqual(other(2))
      // Each departure has its permit; the refused ones used no tokens.
      await target.isCharged({ requests: 5, tokens: 45 })
      await eventually(() =>
        expect(target.events().map(({ outcome, usage }) => [outcome, usage?.inputTokens])).toEqual(
          Array(3).fill(['success', 12]),
        ),
      )
    },
  )

  it('is charged by its relayed output if no usage is reported', async () => {
    respond = strict(422, FORBIDDEN, WITHOUT_USAGE)
    const target = await connection()
    expect((await send(target)).body.toString()).toBe(WITHOUT_USAGE)
    const { requests, tokens } = await target.isSettled()
    expect(requests).toBe(2)
    expect(tokens).toBeGreaterThan(2)
  })

  it('gets the error that it would get without the gateway’s addition', async () => {
    const target = await connection()
    const bogus = { ...BODY, stream_options: { include_usage: false, bogus: true } }
    const clientResponse = await send(target, bogus)
    expect(clientResponse.status).toBe(422)
    expect(received.at(-1)).toEqual(bogus)
    expect(received).toHaveLength(2)
    await target.ended('client_error')
    expect(target.events()).toHaveLength(1)
    // However often it comes, nothing is learned of it that could fail a good one.
    for (let n = 0; n < 6; n++) expect((await send(target, bogus)).status).toBe(422)
    received = []
    expect((await send(target)).status).toBe(200)
    expect(requested()).toEqual([true, false])
  })

  it('succeeds although another stream fails with its own error', async () => {
    const HOT = { detail: [{ type: 'float_parsing', loc: ['body', 'temperature'] }] }
    const strictly = strict()
    respond = (body, response) => {
      if (body.temperature === 'hot' && !('stream_options' in body)) refuse(response, 422, HOT)
      else strictly(body, response)
    }
    const target = await connection()
    for (let n = 0; n < 4; n++) {
      const clientResponse = await send(target, { ...other(n), temperature: 'hot' })
      expect([clientResponse.status, JSON.parse(clientResponse.body.toString())]).toEqual([422, expect.anything()])
      expect(clientResponse.body.toString()).toContain('temperature')
      expect((await send(target, other(n))).status).toBe(200)
    }
    // It was the addition that was refused of the wrong one, too.
    expect(requested().filter(Boolean)).toHaveLength(2)
  })

  it('succeeds if it is in flight when the refusal becomes known', async () => {
    const waiting: (() => void)[] = []
    respond = (body, response) => {
      if (!('stream_options' in body)) return stream(response)
      waiting.push(() => refuse(response, 422, FORBIDDEN))
      if (waiting.length === 5) for (const clientResponse of waiting) clientResponse()
    }
    const target = await connection()
    const responses = await Promise.all([1, 2, 3, 4, 5].map((n) => send(target, other(n))))
    expect(responses.map(({ status }) => status)).toEqual(Array(5).fill(200))
  })

  it('has its usage read although the model refuses the request for usage in other streams', async () => {
    // As Azure's data sources do.
    respond = (body, response) => {
      if ('data_sources' in body && 'stream_options' in body)
        refuse(response, 400, { error: { message: 'stream_options' } })
      else if ('data_sources' in body) stream(response, WITHOUT_USAGE)
      else stream(response, 'stream_options' in body ? STREAM : WITHOUT_USAGE)
    }
    const target = await connection()
    for (let n = 0; n < 4; n++) {
      expect((await send(target, { ...other(n), data_sources: [] })).status).toBe(200)
      expect((await send(target, other(n))).body.toString()).toBe(STREAM)
    }
    await eventually(() => expect(target.events().filter(({ usage }) => usage?.inputTokens === 12)).toHaveLength(4))
  })

  it.each([
    [422, { detail: [{ type: 'missing', loc: ['body', 'messages'] }] }],
    [400, { error: { message: "Unknown parameter: 'foo'.", param: 'foo' } }],
    [429, { error: { message: 'stream_options' } }],
    [401, { error: { message: 'stream_options' } }],
  ])('is sent only once if the error is about something else: %i %j', async (status, error) => {
    respond = (_body, response) => refuse(response, status, error)
    const target = await connection()
    await send(target)
    expect(received).toHaveLength(1)
  })

  it('loses the reported usage that it did not request', async () => {
    respond = (body, response) => {
      const requested = (body.stream_options as { include_usage?: boolean } | undefined)?.include_usage === true
      const end = requested ? `data: ${JSON.stringify({ choices: [], ...USAGE })}\n\n` : ''
      stream(response, WITHOUT_USAGE.replace('data: [DONE]', `${end}data: [DONE]`))
    }
    for (const options of [{}, { stream_options: null }, { stream_options: { include_usage: false } }]) {
      const target = await connection()
      expect((await send(target, { ...BODY, ...options })).body.toString()).toBe(WITHOUT_USAGE)
      await target.isCharged({ requests: 1, tokens: 15 })
    }
  })
})

describe('the application’s own stream_options', () => {
  it.each([null, { include_usage: false }])(
    'go on as they came once the model is known to refuse ours: %j',
    async (options) => {
      // This server takes them as long as they request nothing.
      respond = (body, response) => {
        const { include_usage: includesUsage } = (body.stream_options ?? {}) as { include_usage?: boolean }
        if (includesUsage === true) refuse(response, 400, { error: 'include_usage is not supported' })
        else stream(response)
      }
      const target = await connection()
      const bodies = [0, 1, 2, 3].map((n) => ({ ...other(n), stream_options: options }))
      for (const body of bodies) expect((await native(target, body)).status).toBe(200)
      expect([received[1], ...received.slice(3)]).toEqual(bodies)
    },
  )

  it('have their refusal passed on if they request usage', async () => {
    const target = await connection()
    const clientResponse = await native(target, { ...BODY, stream_options: { include_usage: true } })
    expect([clientResponse.status, received.length]).toEqual([422, 1])
  })
})

it('remembers a refusal per model, and until the connection changes', async () => {
  const target = await connection()
  for (const n of [1, 2, 3]) await native(target, other(n))
  await native(target, { ...BODY, model: 'other' })
  expect(requested()).toEqual([true, false, true, false, false, true, false])
  received = []
  const { settings } = target
  await data.gateway.connections.put(settings.id, { ...settings, version: settings.version + 1, maxWaitMs: 1 })
  await expect
    .poll(async () => {
      received = []
      await native(target)
      return received.length
    })
    .toBe(2)
})

it('requests no usage if the connection turns it off', async () => {
  const target = await connection({ requestStreamUsage: false })
  for (const send of [native, unified]) {
    expect((await send(target)).body.toString()).toBe(STREAM)
    expect((await send(target, { ...BODY, stream_options: null })).status).toBe(422)
  }
  expect(received.map(({ stream_options: options }) => options)).toEqual([undefined, null, undefined, null])
})

it('counts the second departure against the limit, as the provider does', async () => {
  const target = await connection({ capacity: [{ period: 'hour', requests: 1 }] })
  const clientResponse = await native(target)
  expect([clientResponse.status, clientResponse.headers['x-sluice-source'], received.length]).toEqual([
    429,
    'gateway',
    1,
  ])
})

it('leaves streams of Groq unchanged', async () => {
  const target = await connection({ provider: 'groq', baseUrl: upstream.url })
  expect((await postJson(`${target.baseURL}/openai/v1/chat/completions`, data.apiKey, BODY)).status).toBe(200)
  expect((await unified(target)).status).toBe(200)
  expect(received).toEqual([BODY, BODY])
})

it('works for a body that is read in another thread', async () => {
  const target = await connection()
  const large = { ...BODY, messages: [{ role: 'user', content: 'x'.repeat(1_500_000) }] }
  expect((await native(target, large)).status).toBe(200)
  expect(received).toHaveLength(2)
  expect(received[1]).toEqual(large)
})
