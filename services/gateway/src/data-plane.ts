import { randomUUID } from 'node:crypto'
import { responses } from '@sluice/contracts'
import { baseUrlFault, createRoleAssumer } from '@sluice/egress'
import { connectBus, createStream } from '@sluice/messaging'
import { busOptions, ConfigError, counter, type Logger, outageLog } from '@sluice/service-kit'
import { backgroundResponseStore } from './accounting/background-response-store.ts'
import { eventPublisher } from './accounting/response-event-publisher.ts'
import { watchApiKeys, watchConnections } from './admission/projections.ts'
import type { GatewayConfig } from './config.ts'
import { createBodyReader } from './estimate/body-reader.ts'
import { learnedStore } from './estimate/learned-store.ts'
import { createBodyDecoder } from './http/body-decoder.ts'
import { createReadiness, type Readiness } from './http/health.ts'
import { ByteAccount } from './http/held-bytes.ts'
import { startPermits } from './permits/start-permits.ts'
import type { Clock } from './ports.ts'
import { StreamUsageRefusals } from './relay/usage-addition.ts'
import type { UnifiedDeps } from './translation/forward-unified-call.ts'
import { httpImages } from './translation/images.ts'
import { credentialReports } from './upstream/credential-reports.ts'
import { sealedCredentials } from './upstream/credentials.ts'
import { decodedUpstream } from './upstream/decoded-upstream.ts'
import { fetchFirstCredentials } from './upstream/first-credentials.ts'
import { createUpstream } from './upstream/http-client.ts'
import { roleSessions, roleSigner } from './upstream/role-sessions.ts'
import { createKeyPair } from './upstream/sealed-box.ts'

export interface RunningDataPlane extends UnifiedDeps {
  /** This process, as capacity and the response events know it. */
  readonly gateway: string
  readonly readiness: Readiness
  /** Hands in what was settled and recorded, and lets go of everything. Call it when no request is under way. */
  stop(): Promise<void>
}

/**
 * Connects to NATS, however long that takes; resolves when connections, keys and capacity instances are known and the
 * credentials that requests need are held.
 */
export async function startDataPlane(config: GatewayConfig, logger: Logger): Promise<RunningDataPlane> {
  const gateway = randomUUID()
  const onFault = (err: unknown) => logger.warn({ err }, 'a background task of the gateway failed; it is retried')
  const clock = systemClock()
  const assumer = createRoleAssumer({ endpoint: stsEndpoint(config), ...STS_LIMITS })
  const sessions = roleSessions(assumer, clock.nowMs, onFault)
  const bus = await connectBus(busOptions(config, `gateway ${gateway}`, logger))
  await saidIfLong(createStream(bus, responses), logger, `the stream ${responses.name}, which discovery makes`)
  let isStarted = false
  const following = { maxAgeMs: config.MAX_KEY_AGE_WITHOUT_NATS_MS, onFault, logger }
  const credentials = sealedCredentials(bus, await createKeyPair(), clock.elapsedMs, onFault)
  const reports = credentialReports(bus, clock.elapsedMs, logger)
  const learned = learnedStore(bus, { logger })
  const backgroundResponses = backgroundResponseStore(bus, logger)
  const watching = Promise.all([
    startPermits(bus, { gateway, maxWaiting: config.MAX_WAITING_REQUESTS, onFault, logger }),
    watchApiKeys(bus, following),
    watchConnections(
      bus,
      { allowInsecureLoopback: config.ALLOW_INSECURE_UPSTREAM },
      {
        onConnection: ({ id, credentialVersion }) => {
          if (isStarted && credentialVersion !== undefined) credentials.prefetch(id, credentialVersion)
        },
        onFirst: learned.follow,
        onRemoved: (id) => {
          learned.forget(id)
          credentials.forget(id)
          reports.forget(id)
          sessions.forget(id)
        },
      },
      following,
    ),
  ])
  const owners = 'the buckets that the connections service and capacity make'
  const [permits, apiKeys, connections] = await saidIfLong(watching, logger, owners)
  const projections = {
    areCurrent: () => apiKeys.isCurrent() && connections.isCurrent(),
  }
  const isLearnedRead = learned.isRead(LEARNED_DEADLINE_MS)
  await fetchFirstCredentials(connections, credentials, logger)
  await isLearnedRead
  isStarted = true
  const upstream = createUpstream({
    connectTimeoutMs: config.UPSTREAM_CONNECT_TIMEOUT_MS,
    firstByteTimeoutMs: config.UPSTREAM_FIRST_BYTE_TIMEOUT_MS,
    idleTimeoutMs: config.UPSTREAM_IDLE_TIMEOUT_MS,
    allowInsecureLoopback: config.ALLOW_INSECURE_UPSTREAM,
  })
  const images = httpImages({
    connectTimeoutMs: config.UPSTREAM_CONNECT_TIMEOUT_MS,
    timeoutMs: config.IMAGE_TIMEOUT_MS,
    maxImagesBytes: config.MAX_IMAGES_BYTES,
    allowInsecureLoopback: config.ALLOW_INSECURE_UPSTREAM,
  })
  const bodyReader = createBodyReader(clock.elapsedMs, onFault)
  const dropped = counter('response_events.dropped', 'Requests whose response events were lost while NATS was away.')
  dropped.add(0)
  const unread = counter(
    'usage.unread',
    'Responses whose usage was not understood, or not all of it, so that what was reserved for them stays charged.',
  )
  const outage = outageLog(logger, {
    begins: 'response events cannot be published, keeping the newest in memory',
    ends: 'publishing response events again',
  })
  const events = eventPublisher(bus, {
    gateway,
    maxEvents: config.MAX_BUFFERED_EVENTS,
    onFault: outage.fault,
    onPublished: outage.success,
    onDropped: (count) => {
      dropped.add(count)
      logger.error({ requests: count }, 'response events were lost')
    },
  })
  return {
    gateway,
    readiness: createReadiness(bus, projections, () => performance.now()),
    apiKeys,
    connections,
    projections,
    permits,
    credentials,
    signer: roleSigner(sessions),
    bodyReader,
    bodyDecoder: createBodyDecoder(),
    streamUsage: new StreamUsageRefusals(),
    heldBytes: new ByteAccount(config.MAX_HELD_BYTES),
    upstream: decodedUpstream(upstream),
    images,
    events: {
      record: (connectionId, provider, event) => {
        if (event.unreadUsage) unread.add(1, { connection: connectionId, provider })
        events.record(connectionId, provider, event)
      },
    },
    credentialReports: reports,
    backgroundResponses,
    clock,
    stop: async () => {
      await Promise.all([upstream.stop(), images.stop(), bodyReader.stop()])
      assumer.stop()
      // What is being looked up is then settled and recorded.
      await backgroundResponses.stop(FLUSH_DEADLINE_MS)
      await Promise.all([permits, events, learned].map((part) => part.stop(FLUSH_DEADLINE_MS)))
      connections.stop()
      apiKeys.stop()
      await bus.close()
    },
  }
}

const FLUSH_DEADLINE_MS = 3_000
/** Estimates begin with what is known of each family of models where the rest takes longer. */
const LEARNED_DEADLINE_MS = 2_000

/** Resolves as `work` does, with a line in the log when it has to be waited for, and one when it is there. */
async function saidIfLong<T>(work: Promise<T>, logger: Logger, what: string): Promise<T> {
  let isSaid = false
  const timer = setTimeout(() => {
    isSaid = true
    logger.warn(`waiting for ${what}`)
  }, LONG_MS)
  const result = await work.finally(() => clearTimeout(timer))
  if (isSaid) logger.info('it is there, going on')
  return result
}

const LONG_MS = 3_000

/** A call of a connection without a session waits for both attempts. */
const STS_LIMITS = { maxAttempts: 2, attemptTimeoutMs: 4_000 }

/** @throws ConfigError if the gateway may not send its signatures there */
function stsEndpoint({ STS_ENDPOINT, ALLOW_INSECURE_UPSTREAM }: GatewayConfig): string | undefined {
  const fault = STS_ENDPOINT && baseUrlFault(STS_ENDPOINT, { allowInsecureLoopback: ALLOW_INSECURE_UPSTREAM })
  if (fault) throw new ConfigError(`STS_ENDPOINT ${fault}`)
  return STS_ENDPOINT
}

function systemClock(): Clock {
  return { nowMs: () => Date.now(), elapsedMs: () => performance.now() }
}
