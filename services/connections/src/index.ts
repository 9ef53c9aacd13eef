import { setTimeout as delay } from 'node:timers/promises'
import { credentialFaultChanged, type ProviderId } from '@sluice/contracts'
import { publishEvent, type Served } from '@sluice/messaging'
import { migrate } from '@sluice/postgres'
import { providerAdapter } from '@sluice/providers'
import { busOptions, type Logger, type Service } from '@sluice/service-kit'
import { v7 as uuidv7 } from 'uuid'

import { createApiKeyStore } from './api-keys/api-key-store.ts'
import { followKeyUse } from './api-keys/last-used.ts'
import { createAuditLog } from './audit/audit-log.ts'
import { stsAccess } from './aws-credentials.ts'
import { type BusLink, linkBus } from './bus/bus-link.ts'
import { serveConnections } from './bus/endpoints.ts'
import { createOtherServices } from './bus/other-services.ts'
import { createPublisher } from './bus/publisher.ts'
import type { ConnectionsConfig } from './config.ts'
import { createConnectionStore } from './connections/connection-store.ts'
import { createCredentialHistory } from './credentials/credential-history.ts'
import { type CredentialFaultChange, followCredentialStatus } from './credentials/credential-status.ts'
import { retireCredentials } from './credentials/credential-versions.ts'
import { openConnectionsDatabase, SCHEMA, untilReachable } from './database/database.ts'
import { MIGRATIONS } from './database/migrations.ts'
import { createAdminApi, type LoginSettings } from './http/admin-api.ts'
import { createEnvelopes } from './keys/envelope-encryption.ts'
import { createKeyServices } from './keys/key-services.ts'
import { createSealedBoxes } from './keys/sealed-boxes.ts'
import { createSealingKey } from './keys/sealing-key.ts'
import { createOperatorTokenStore } from './operators/operator-token-store.ts'
import { ensureOperatorToken } from './operators/operator-tokens.ts'
import { createSessionStore } from './operators/session-store.ts'
import { createProviderProbe } from './probes/provider-probe.ts'
import type { RoleTrustSettings } from './role-trust/role-trust.ts'

export { ConnectionsConfig } from './config.ts'

export interface ConnectionsService extends Service {
  /** The admin API's URL: `http://127.0.0.1:8081`. */
  readonly adminUrl: string
}

/**
 * Starts the service; resolves when it serves. It waits for PostgreSQL without limit, and for NATS only for a moment:
 * the admin API works without, and the bus is served once it is reachable.
 * @param isAvailable whether connections to a provider may be created; by default when gateways can call it
 * @throws MasterKeyError when the master keys are missing or malformed; ConfigError when `KMS_KEY_ID` is missing
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
  const publisher = createPublisher({ database, logger })
  const sealingKey = createSealingKey({ database, envelopes, sealedBoxes, logger })
  const providerProbe = createProviderProbe({
    allowInsecureLoopback: config.ALLOW_INSECURE_UPSTREAM,
    sts: stsAccess(config),
  })
  const deps = {
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
    rules: { isAvailable, allowInsecureUpstream: config.ALLOW_INSECURE_UPSTREAM },
    credentialGraceMs: config.CREDENTIAL_GRACE_MS,
    publishFaultChange: faultPublisher(link, logger),
    otherServices: createOtherServices(link),
    health: { isDatabaseReachable: database.isReachable, isBusConnected: link.isConnected },
    roleTrustSettings: roleTrustSettings(config),
    login: loginSettings(config),
    now: () => new Date(),
    newId: uuidv7,
    logger,
  }
  const adminApi = await createAdminApi(deps)

  let served: Served | undefined
  let followed: readonly Served[] = []
  let retiring: Promise<void> | undefined
  const stopping = new AbortController()
  const serveBus = async (): Promise<void> => {
    const bus = await link.first
    served = serveConnections(bus, deps)
    followed = [followKeyUse(bus, deps), followCredentialStatus(bus, deps)]
    publisher.begin(bus)
    await bus.connection.flush()
    logger.info('serving on the bus')
  }
  const prepare = async (): Promise<void> => {
    await sealingKey.ensure()
    if (config.OPERATOR_TOKEN_FILE !== undefined) await ensureOperatorToken(deps, config.OPERATOR_TOKEN_FILE)
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
    retiring = retireCredentials(deps, RETIRE_EVERY_MS, stopping.signal)
    await settledWithin(serveBus(), BUS_WAIT_MS, (err) => logger.error({ err }, 'cannot serve on the bus'))
    logger.info({ adminUrl }, 'serving the admin API')
    return { adminUrl, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function faultPublisher(link: BusLink, logger: Logger) {
  return async (change: CredentialFaultChange): Promise<void> => {
    try {
      await publishEvent(link.connected(), credentialFaultChanged, [change.connectionId], change)
    } catch (err) {
      const { connectionId } = change
      logger.warn({ err, connectionId }, "a change of a credential's fault could not be published")
    }
  }
}

/** Settles as `work` does within `ms`, or resolves then; a later failure goes to `onLateFailure`. */
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
/** A request that was in progress when the connection broke is lost, and noticed after this time only. */
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
