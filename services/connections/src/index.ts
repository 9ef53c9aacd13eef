import { setTimeout as delay } from 'node:timers/promises'
import { credentialFaultChanged, type ProviderId } from '@sluice/contracts'
import { publishEvent, type Served } from '@sluice/messaging'
import { migrate } from '@sluice/postgres'
import { providerAdapter } from '@sluice/providers'
import { busOptions, type Logger, type Service } from '@sluice/service-kit'
import { v7 as uuidv7 } from 'uuid'
import { stsAccess } from './adapters/provider-probes/assume-role.ts'
import { createApiKeyStore } from './api-keys/api-key-store.ts'
import { createKeyUseRecorder, followKeyUse } from './api-keys/last-used.ts'
import { createAuditLog } from './audit/audit-log.ts'
import { linkBus } from './bus/bus-link.ts'
import { serveConnections } from './bus/endpoints.ts'
import { createOutbox } from './bus/outbox.ts'
import { createProjectionSource } from './bus/projections.ts'
import { createPublisher } from './bus/publisher.ts'
import type { ConnectionsConfig } from './config.ts'
import { createConnectionStore } from './connections/connection-store.ts'
import { createCredentialHistory } from './credentials/credential-history.ts'
import { followCredentialStatus } from './credentials/credential-status.ts'
import { keepRetiringCredentials } from './credentials/credential-versions.ts'
import { openConnectionsDatabase, SCHEMA, untilReachable } from './database/database.ts'
import { MIGRATIONS } from './database/migrations.ts'
import type { ApplicationDeps } from './deps.ts'
import { createAdminApi, type LoginSettings } from './http/admin-api.ts'
import { createInsights } from './insights/insights.ts'
import { createEnvelopes } from './keys/envelopes.ts'
import { createKeyServices } from './keys/key-services.ts'
import { createSealingKey } from './keys/sealing-key.ts'
import { createSealedBoxes } from './keys/sodium.ts'
import { createTokenFile, ensureOperatorToken } from './operators/first-token.ts'
import { createOperatorTokenStore } from './operators/operator-token-store.ts'
import { createSessionStore } from './operators/session-store.ts'
import { createProviderProbe } from './probes/provider-probe.ts'
import type { RoleTrustSettings } from './role-trust/role-trust.ts'

export { ConnectionsConfig } from './config.ts'

export interface ConnectionsService extends Service {
  /** Where the admin API is: `http://127.0.0.1:8081`. */
  readonly adminUrl: string
}

/**
 * Starts the service; resolves when it serves. It waits for PostgreSQL for as long as it takes, and for NATS a moment only: the
 * admin API works without, and the bus is served as soon as it is there.
 * @param isAvailable whether connections to a provider may be made: where gateways can serve them, unless told
 * @throws MasterKeyError when the master keys are missing or wrong; ConfigError when `KMS_KEY_ID` is missing
 */
export async function start(
  config: ConnectionsConfig,
  logger: Logger,
  isAvailable: (provider: ProviderId) => boolean = hasAdapter,
): Promise<ConnectionsService> {
  const envelopes = await createEnvelopes(await createKeyServices(config))
  const sealedBoxes = await createSealedBoxes()
  const database = openConnectionsDatabase(config.DATABASE_URL, logger)
  const link = linkBus({ ...busOptions(config, 'connections', logger), jetstreamTimeoutMs: JETSTREAM_TIMEOUT_MS })
  const publisher = createPublisher({
    outbox: createOutbox(database),
    source: createProjectionSource(database),
    logger,
  })
  const sealingKey = createSealingKey({ database, envelopes, sealedBoxes, logger })
  const providerProbe = createProviderProbe({
    allowInsecureLoopback: config.ALLOW_INSECURE_UPSTREAM,
    sts: stsAccess(config),
  })
  const deps: ApplicationDeps = {
    connections: createConnectionStore(database, publisher.published),
    credentialHistory: createCredentialHistory(database),
    apiKeys: createApiKeyStore(database, publisher.published),
    operatorTokens: createOperatorTokenStore(database),
    sessions: createSessionStore(database),
    auditLog: createAuditLog(database),
    envelopes,
    sealedBoxes,
    sealingKey,
    providerProbe,
    rules: {
      isAvailable,
      allowInsecureUpstream: config.ALLOW_INSECURE_UPSTREAM,
    },
    credentialGraceMs: config.CREDENTIAL_GRACE_MS,
    now: () => new Date(),
    newId: uuidv7,
    announceFault: async (change) => {
      try {
        if (!link.isConnected()) throw new Error('NATS is away')
        await publishEvent(await link.first, credentialFaultChanged, [change.connectionId], change)
      } catch (err) {
        logger.warn(
          { err, connectionId: change.connectionId },
          "a change of a credential's fault could not be published",
        )
      }
    },
    logger,
  }
  const health = { isDatabaseReachable: database.isReachable, isBusConnected: link.isConnected }
  const adminApi = await createAdminApi({
    application: deps,
    insights: createInsights(link),
    health,
    roleTrust: roleTrustSettings(config),
    login: loginSettings(config),
  })

  let served: Served | undefined
  let followed: readonly Served[] = []
  let retiring: Promise<void> | undefined
  const stopping = new AbortController()
  const attach = async (): Promise<void> => {
    const bus = await link.first
    served = serveConnections(bus, deps)
    followed = [followKeyUse(bus, createKeyUseRecorder(deps), logger), followCredentialStatus(bus, deps)]
    publisher.begin(bus)
    await bus.connection.flush()
    logger.info('serving on the bus')
  }
  const prepare = async (): Promise<void> => {
    await sealingKey.ensure()
    const tokenFile = config.OPERATOR_TOKEN_FILE === undefined ? undefined : createTokenFile(config.OPERATOR_TOKEN_FILE)
    await ensureOperatorToken({ ...deps, tokenFile })
  }
  const stop = async (): Promise<void> => {
    stopping.abort()
    await retiring
    await providerProbe.stop()
    await adminApi.close()
    if (link.isConnected()) await served?.stop()
    await Promise.all(followed.map((each) => each.stop()))
    await publisher.stop()
    await link.close()
    await database.close()
  }

  try {
    const adminUrl = await adminApi.listen({ host: config.ADMIN_HOST, port: config.ADMIN_PORT })
    await migrate({ url: config.DATABASE_URL, schema: SCHEMA, migrations: MIGRATIONS, logger })
    await untilReachable(prepare, logger)
    retiring = keepRetiringCredentials(deps, RETIRE_EVERY_MS, stopping.signal)
    await settledWithin(attach(), BUS_WAIT_MS, (err) => logger.error({ err }, 'cannot serve on the bus'))
    logger.info({ adminUrl }, 'serving the admin API')
    return { adminUrl, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** As `work` settles, if it does so in time; afterwards its failure is for `onLateFailure`. */
async function settledWithin(work: Promise<void>, ms: number, onLateFailure: (error: unknown) => void): Promise<void> {
  let isLate = false
  const watched = work.catch((error: unknown) => {
    if (!isLate) throw error
    onLateFailure(error)
  })
  await Promise.race([watched, delay(ms, undefined, { ref: false })])
  isLate = true
}

const BUS_WAIT_MS = 3_000
const RETIRE_EVERY_MS = 60_000
/** What was under way when the connection broke is lost, and only missed after this. */
const JETSTREAM_TIMEOUT_MS = 2_000

function roleTrustSettings({ AWS_PRINCIPAL_ARN, CFN_TEMPLATE_URL }: ConnectionsConfig): RoleTrustSettings {
  return {
    ...(AWS_PRINCIPAL_ARN === undefined ? {} : { principalArn: AWS_PRINCIPAL_ARN }),
    ...(CFN_TEMPLATE_URL === undefined ? {} : { templateUrl: CFN_TEMPLATE_URL }),
  }
}

function loginSettings({
  LOGIN_FAILURES_PER_MINUTE,
  TRUSTED_PROXIES,
  COOKIE_SECURE,
}: ConnectionsConfig): LoginSettings {
  return {
    failuresPerMinute: LOGIN_FAILURES_PER_MINUTE,
    ...(TRUSTED_PROXIES === undefined ? {} : { trustedProxies: TRUSTED_PROXIES }),
    isCookieAlwaysSecure: COOKIE_SECURE,
  }
}

function hasAdapter(provider: ProviderId): boolean {
  return providerAdapter(provider) !== undefined
}
