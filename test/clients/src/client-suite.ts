import { describe, expect, it } from 'vitest'
import { type Access, type Client, type ClientUnderTest, LEVEL_SCHEMA, TOOL } from './client.ts'
import type { Connection, ConnectOptions, System } from './start-system.ts'

/** Declares the tests for every client library, against the whole of Sluice. */
export function clientSuite(tested: ClientUnderTest, system: () => System): void {
  const { provider, surface, streamSurplusTokens: surplus = 0 } = tested

  const accessTo = ({ name, apiKey }: Pick<Connection, 'name' | 'apiKey'>): Access => {
    const { gatewayUrl } = system()
    const named = (model: string) => (surface === 'native' ? model : `${name}/${model}`)
    return {
      baseURL: surface === 'native' ? `${gatewayUrl}/connections/${name}` : `${gatewayUrl}/v1`,
      apiKey,
      model: named(tested.model),
      embeddingModel: named(tested.embedding?.model ?? ''),
    }
  }
  const connect = async (options: Omit<ConnectOptions, 'provider'> = {}) => {
    const connection = await system().connect({ provider, ...options })
    const access = accessTo(connection)
    return { connection, access, client: tested.create({ ...access, maxRetries: 0 }) }
  }
  const errorOf = async (failing: Promise<unknown>) => {
    const error = await failing.then(
      (response) => expect.fail(`no error was raised: ${JSON.stringify(response)}`),
      (reason: unknown) => reason,
    )
    return tested.readError(error)
  }

  describe(tested.title, () => {
    it('gets a response, and is charged the usage that the client reports', async () => {
      const { client, connection } = await connect()
      const { text, inputTokens, outputTokens } = await client.ask()
      expect(text).toMatch(/^This answer comes from a simulated provider/)
      expect(inputTokens).toBeGreaterThan(0)
      expect(outputTokens).toBe(16)
      expect(await connection.charged()).toEqual({ requests: 1, tokens: (inputTokens ?? Number.NaN) + 16 })
    })

    it('gets a stream of the same text and usage', async () => {
      const { client, connection } = await connect()
      const whole = await client.ask()
      const pieces: string[] = []
      const streamed = await client.stream((text) => pieces.push(text))
      expect(streamed).toEqual({ ...whole, outputTokens: 16 + surplus })
      expect(pieces.join('')).toBe(whole.text)
      expect(pieces.length).toBeGreaterThan(3)
      const tokens = 2 * ((whole.inputTokens ?? Number.NaN) + 16)
      expect(await connection.charged()).toEqual({ requests: 2, tokens })
    })

    it.each(['plain', 'streamed'] as const)('uses a tool over two %s requests', async (how) => {
      const { client, connection } = await connect()
      connection.control({ times: 1, callTools: true })
      const { calls, text, tokens } = await client.useTool(how)
      expect(calls).toEqual([{ gate: expect.any(String) }])
      expect(text).toMatch(/^This answer comes from a simulated provider/)
      expect(connection.requests().at(-1)?.content?.body).toContain(TOOL.result)
      const surplusTokens = how === 'streamed' ? 2 * surplus : 0
      expect(await connection.charged()).toEqual({ requests: 2, tokens: tokens - surplusTokens })
    })

    it('gets structured output that matches the schema', async () => {
      const { client } = await connect()
      expect(() => LEVEL_SCHEMA.parse({})).toThrow()
      expect(LEVEL_SCHEMA.parse(await client.structured())).toMatchObject({ tide: 'ebb' })
    })

    if (tested.embedding !== undefined) {
      const { dimensions } = tested.embedding
      it('gets embeddings', async () => {
        const { client, connection } = await connect()
        // Titan embeds one text a request, which Bedrock's own clients know and OpenAI's do not.
        const isAlone = provider === 'aws-bedrock' && surface === 'unified'
        const vectors = isAlone
          ? [...(await embedded(client, ['a sluice'])), ...(await embedded(client, ['a weir']))]
          : await embedded(client, ['a sluice', 'a weir'])
        expect(vectors.map(({ length }) => length)).toEqual([dimensions, dimensions])
        expect(vectors.flat().every(Number.isFinite)).toBe(true)
        expect(vectors[0]).not.toEqual(vectors[1])
        const { requests, tokens } = await connection.charged()
        expect(requests).toBe(connection.requests().length)
        expect(tokens).toBeGreaterThan(0)
      })
    }

    it('ends the request at the provider when it aborts a stream, and is charged for what was received', async () => {
      const { client, connection } = await connect()
      connection.control({ outputTokens: 300, chunkDelayMs: 20 })
      const aborting = new AbortController()
      const pieces: string[] = []
      const streaming = client.stream((text) => {
        pieces.push(text)
        if (pieces.length === 3) aborting.abort()
      }, aborting.signal)
      // Some libraries end the stream, others raise their own error: both are theirs to choose.
      await streaming.catch(() => undefined)
      await connection.ended('client-disconnected')
      expect(pieces.length).toBeLessThan(100)
      const { requests, tokens } = await connection.charged()
      expect(requests).toBe(1)
      expect(tokens).toBeGreaterThan(3)
      expect(tokens).toBeLessThan(300)
    })

    it('raises its own error for an unknown API key', async () => {
      const { access } = await connect()
      const client = tested.create({ ...access, apiKey: 'slc_unknown', maxRetries: 0 })
      expect(await errorOf(client.ask())).toMatchObject({
        type: tested.errors[401],
        status: 401,
        message: expect.stringMatching(/API key is not whole/),
      })
    })

    it('raises its own error for a connection that does not exist', async () => {
      const { connection } = await connect()
      const client = tested.create({ ...accessTo({ ...connection, name: 'nowhere' }), maxRetries: 0 })
      expect(await errorOf(client.ask())).toMatchObject({
        type: tested.errors[404],
        status: 404,
        message: expect.stringMatching(/no connection \\*"nowhere/),
      })
    })

    it('raises its own error at the limit, which says when to retry', async () => {
      const { client, connection } = await connect({ capacity: [{ period: 'minute', requests: 2 }] })
      await client.ask()
      await client.ask()
      for (const failing of [() => client.ask(), () => client.stream()]) {
        const error = await errorOf(failing())
        expect(error).toMatchObject({
          type: tested.errors[429],
          status: 429,
          message: expect.stringMatching(/is at its capacity of 2 requests per minute\. Retry in [\d.]+ s\./),
        })
        if (error.retryAfter !== undefined) expect(Number(error.retryAfter)).toBeGreaterThan(0)
      }
      expect(connection.requests()).toHaveLength(2)
    })

    if (tested.retries !== undefined) {
      it(`retries ${tested.retries} when the provider asks it to wait`, async () => {
        const { access, connection } = await connect()
        connection.control({ times: 1, fault: { kind: 'rate-limit', retryAfterMs: 1_000 } })
        const startedAtMs = performance.now()
        expect((await tested.create(access).ask()).text).toMatch(/^This answer/)
        if (tested.retries === 'as requested') expect(performance.now() - startedAtMs).toBeGreaterThan(990)
        expect(connection.requests().map(({ status }) => status)).toEqual([429, 200])
      })
    }
  })
}

async function embedded(client: Client, texts: string[]): Promise<number[][]> {
  if (client.embed === undefined) throw new Error('This client has no embeddings.')
  return client.embed(texts)
}
