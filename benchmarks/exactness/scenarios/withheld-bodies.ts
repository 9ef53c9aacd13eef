import { request as httpRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createStarted } from '../../shared/processes.ts'
import type { ProofAccount } from '../accounts.ts'
import { type DataPlane, startDataPlane } from '../data-plane.ts'
import { startDemand } from '../demand.ts'
import { judge } from '../judge.ts'
import { watchUpstreams } from '../observe.ts'
import type { Scenario } from '../scenario.ts'
import { startUploadUpstream } from '../upstreams.ts'

const LIMIT = 30
/** The gateway's limit for bodies in memory: each upload is larger, so it is streamed. */
const HELD_BYTES = 64 * 1024
const FIRST_PART = Buffer.alloc(HELD_BYTES + 16 * 1024, 'a')
const LAST_PART = Buffer.alloc(16 * 1024, 'b')

const CHATS_MS = 15_000

interface WithheldAccount extends ProofAccount {
  /** The time of each wave of headers, milliseconds from the start. */
  readonly wavesAtMs: readonly number[]
  /** The time when all bodies are released and chats are sent. */
  readonly releasedAtMs: number
}

const ACCOUNTS: readonly WithheldAccount[] = [
  withheldAccount('a-minute', [0], 63_000),
  withheldAccount('4-minutes', [0, 63_000, 126_000, 189_000], 252_000),
]

export const withheldBodies: Scenario = {
  name: 'withheld-bodies',
  about:
    `${LIMIT} uploads (multipart, half of them chunked) send their headers at ${LIMIT} a minute, and their bodies when the next minute’s capacity is ` +
    'free, while ten chats a second are sent. Also, as many uploads in each of four minutes, with all bodies released at once.',
  run: async (print) => {
    const started = createStarted()
    try {
      const upstream = await started.add(startUploadUpstream())
      const plane = await started.add(
        startDataPlane({
          connections: ACCOUNTS.map(({ name, upstreamKey, capacity }) => {
            return { name, upstreamKey, capacity: [...capacity], upstreamBaseUrl: upstream.baseUrl }
          }),
          capacityInstances: 2,
          environment: { MAX_BODY_BYTES: String(HELD_BYTES), REQUEST_TIMEOUT_MS: '600000' },
        }),
      )
      const watch = await watchUpstreams([upstream], print)
      await Promise.all(ACCOUNTS.map((account) => withhold(account, plane, print)))
      const observed = await watch.stop()
      const verdicts = ACCOUNTS.flatMap((account) => judge(account, observed.departuresOf(account.upstreamKey), {}))
      return { judgedBy: observed.by, verdicts }
    } finally {
      await started.stop()
    }
  },
}

/** Sends the account's uploads and chats; resolves when all have ended. */
async function withhold(
  { name, wavesAtMs, releasedAtMs }: WithheldAccount,
  plane: DataPlane,
  print: (line: string) => void,
): Promise<void> {
  const startedAtMs = performance.now()
  const untilMs = (atMs: number) => sleep(Math.max(0, startedAtMs + atMs - performance.now()))
  const released = Promise.withResolvers<void>()
  const uploads: Promise<number | 'no response'>[] = []
  for (const atMs of wavesAtMs) {
    await untilMs(atMs)
    for (let index = 0; index < LIMIT; index++) {
      uploads.push(upload({ plane, connection: name, isChunked: index % 2 === 0, released: released.promise }))
    }
  }
  await untilMs(releasedAtMs)
  const demand = startDemand({ ...plane, connection: name, perSecond: 10 })
  released.resolve()
  await sleep(CHATS_MS)
  await demand.stop()
  const statuses = await Promise.all(uploads)
  const accepted = statuses.filter((status) => status === 200).length
  print(`${name}: ${accepted} of ${uploads.length} uploads and ${demand.byStatus.get(200) ?? 0} chats succeeded`)
}

interface UploadOptions {
  readonly plane: DataPlane
  readonly connection: string
  readonly isChunked: boolean
  /** The last part of the body is withheld until this resolves. */
  readonly released: Promise<void>
}

function upload({ plane, connection, isChunked, released }: UploadOptions): Promise<number | 'no response'> {
  const { promise, resolve } = Promise.withResolvers<number | 'no response'>()
  const sent = httpRequest(`${plane.gatewayUrls[0]}/connections/${connection}/v1/audio/transcriptions`, {
    method: 'POST',
    agent: false,
    headers: {
      authorization: `Bearer ${plane.apiKey}`,
      'content-type': 'multipart/form-data; boundary=x',
      ...(isChunked ? {} : { 'content-length': FIRST_PART.length + LAST_PART.length }),
    },
  })
  sent.once('response', (response) => {
    response.resume().once('close', () => resolve(response.statusCode ?? 'no response'))
  })
  // The gateway closes the connection of a request that it refuses by its headers.
  sent.once('error', () => resolve('no response'))
  sent.write(FIRST_PART)
  void released.then(() => sent.destroyed || sent.end(LAST_PART))
  return promise
}

function withheldAccount(name: string, wavesAtMs: readonly number[], releasedAtMs: number): WithheldAccount {
  const capacity = [{ period: 'minute' as const, requests: LIMIT }]
  return { name: `withheld-${name}`, upstreamKey: `sk-withheld-${name}`, capacity, wavesAtMs, releasedAtMs }
}
