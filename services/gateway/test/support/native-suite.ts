import { eventually } from '@sluice/testkit'
import { beforeEach, describe, expect, it } from 'vitest'
import { type FreshConnection, freshConnection } from './fresh-connection.ts'
import type { NativeClient, NativeSdk, SdkErrorStatus } from './native-sdk.ts'
import { startBeforeAll } from './start-before-all.ts'
import { startDataPath, type TestDataPath } from './start-data-path.ts'
import type { ConnectionToMake } from './start-gateway.ts'

/** Collaborators that the tests of a single provider share with those of all providers. */
export interface NativeSuite {
  /** Started before the first test and stopped after the last. */
  path(): TestDataPath
  /** Makes a new connection, and a client for it. */
  connect(settings?: Partial<ConnectionToMake>): Promise<FreshConnection & { readonly client: NativeClient }>
}

/** Declares the tests that hold for every provider's official SDK, through gateway, capacity and simulator. */
export function nativeSuite(sdk: NativeSdk): NativeSuite {
  const path = startBeforeAll(() => startDataPath({ simulator: { provider: sdk.provider, recordContent: true } }))

  beforeEach(() => {
    path.simulator.controls.clear()
    path.simulator.requests.clear()
  })

  const connect: NativeSuite['connect'] = async (settings = {}) => {
    const baseUrl = path.simulator.url
    const made = await freshConnection(path.gateway, path.apiKey, { provider: sdk.provider, baseUrl, ...settings })
    return { ...made, client: sdk.connect(made.baseURL, path.apiKey) }
  }
  /** Returns how the provider's latest request ended. */
  const upstreamEnd = () => path.simulator.requests.list().at(-1)?.outcome

  describe('responses', () => {
    it('come whole, and are charged as reported', async () => {
      const { client, isCharged, ended } = await connect()
      const { text, inputTokens, outputTokens } = await client.send()
      expect(text).toMatch(/^This answer comes from a simulated provider/)
      await isCharged({ requests: 1, tokens: inputTokens + outputTokens })
      expect(await ended('success')).toMatchObject({ model: sdk.model, usage: { inputTokens, outputTokens } })
    })

    it('come streamed, the same text for the same charge', async () => {
      const { client, isCharged } = await connect()
      const { text, inputTokens, outputTokens } = await client.send()
      expect((await collect(client.stream())).join('')).toBe(text)
      await isCharged({ requests: 2, tokens: 2 * (inputTokens + outputTokens) })
    })
  })

  describe('errors', () => {
    it('are the SDK’s own for an invalid API key', async () => {
      const { baseURL } = await connect()
      await expectError(sdk.connect(baseURL, 'slc_unknown').send(), 401, /API key is not whole/)
      expect(path.simulator.requests.counts().total).toBe(0)
    })

    it('are the provider’s for an unknown model, and for a request that it refuses', async () => {
      const { client, isCharged } = await connect()
      await expectError(client.send({ model: 'none-such' }), 404, /none-such/)
      await expectError(client.send({ empty: true }), 400, /messages|contents/)
      expect(path.simulator.requests.counts().byStatus).toEqual({ 400: 1, 404: 1 })
      await isCharged({ requests: 2, tokens: 0 })
    })

    it('are the provider’s if it fails, with its message', async () => {
      path.simulator.controls.add({ fault: { kind: 'status', status: 500, message: 'It broke — naïve 🙂.' } })
      const { client, isCharged, ended } = await connect()
      await expectError(client.send(), 500, /It broke — naïve 🙂\./)
      await isCharged({ requests: 1, tokens: 0 })
      await ended('upstream_error')
    })

    it('are raised if a stream breaks off', async () => {
      const fault = { kind: 'break-mid-stream' as const, afterChunks: 5, partialChunk: true }
      path.simulator.controls.add({ outputTokens: 60, fault })
      const { client, isSettled, ended } = await connect()
      const texts: string[] = []
      await expect(collect(client.stream(), texts)).rejects.toThrow()
      expect(texts.join('')).toMatch(/^This/)
      expect((await isSettled()).requests).toBe(1)
      await ended('upstream_error')
    })

    it('are raised if a stream contains one', async () => {
      const fault = { kind: 'error-mid-stream' as const, afterChunks: 5, status: 500, message: 'It broke.' }
      path.simulator.controls.add({ outputTokens: 60, fault })
      const { client, isSettled, ended } = await connect()
      const texts: string[] = []
      await expect(collect(client.stream(), texts)).rejects.toThrow(sdk.streamError)
      expect(texts.join('')).toMatch(/^This/)
      expect((await isSettled()).requests).toBe(1)
      await ended('upstream_error')
    })
  })

  describe('an abort', () => {
    it('in the middle of a stream aborts the upstream call, which is charged as far as it went', async () => {
      path.simulator.controls.add({ chunkDelayMs: 30, outputTokens: 1_000 })
      const { client, isSettled, ended } = await connect()
      const abort = new AbortController()
      const read = async () => {
        for await (const _ of client.stream({ signal: abort.signal })) abort.abort()
      }
      // Some SDKs end the loop, others raise.
      await read().catch((error: unknown) => expect(String(error)).toMatch(/abort|reading from the stream/i))
      expect(abort.signal.aborted).toBe(true)
      await eventually(() => expect(upstreamEnd()).toBe('client-disconnected'))
      await ended('aborted')
      const { requests, tokens } = await isSettled()
      expect(requests).toBe(1)
      expect(tokens).toBeLessThan(500)
    })

    it('before the response aborts the upstream call', async () => {
      path.simulator.controls.add({ fault: { kind: 'hang-before-headers' } })
      const { client, isSettled, ended } = await connect()
      const abort = new AbortController()
      const failure = expect(client.send({ signal: abort.signal })).rejects.toThrow(/abort/i)
      await eventually(() => expect(upstreamEnd()).toBe('pending'))
      abort.abort()
      await failure
      await eventually(() => expect(upstreamEnd()).toBe('client-disconnected'))
      await ended('aborted')
      expect((await isSettled()).requests).toBe(1)
    })
  })

  describe('a 429', () => {
    it('of the gateway is the SDK’s own error, with the time to retry', async () => {
      const { client } = await connect({ capacity: [{ period: 'minute', requests: 1 }] })
      await client.send()
      const error = await expectError(client.send(), 429, /at its capacity of 1 requests? per minute/)
      expect(sdk.retryAfterMs(error)).toBeGreaterThan(50_000)
      expect(sdk.retryAfterMs(error)).toBeLessThanOrEqual(62_000)
      expect(path.simulator.requests.counts().total).toBe(1)
    })

    it('is retried at its time and succeeds, without a request to the provider during the cool-down', async () => {
      // Longer than any SDK waits by default.
      path.simulator.controls.add({ times: 1, fault: { kind: 'rate-limit', retryAfterMs: 2_000 } })
      const { client, baseURL, coolDowns, events } = await connect()
      await expectError(client.send(), 429)
      await eventually(async () => expect(await coolDowns()).toMatchObject([{ model: sdk.model }]))
      expect((await sdk.sendWithRetry(baseURL, path.apiKey)).text).toMatch(/^This/)
      expect(path.simulator.requests.counts().byStatus).toEqual({ 200: 1, 429: 1 })
      await eventually(() =>
        expect(events().map(({ deniedBy, outcome }) => deniedBy ?? outcome)).toEqual([
          'upstream_429',
          'upstream_cool_down',
          'success',
        ]),
      )
    })
  })

  return { path: () => path, connect }

  async function expectError(failing: Promise<unknown>, status: SdkErrorStatus, message = /./) {
    const error = await failing.then(
      () => expect.fail(`no error ${status} was raised`),
      (raised: unknown) => raised,
    )
    expect(error).toBeInstanceOf(sdk.errorType(status))
    expect(error).toMatchObject({ status, message: expect.stringMatching(message) })
    return error
  }
}

/** Reads to the end; whatever came before a fault is in `into`. */
async function collect<T>(stream: AsyncIterable<T>, into: T[] = []): Promise<T[]> {
  for await (const item of stream) into.push(item)
  return into
}
