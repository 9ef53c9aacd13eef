import { isDeepStrictEqual } from 'node:util'
import { type ProjectedConnection, SluiceError } from '@sluice/contracts'
import type { RoleAssumer, RoleToAssume } from '@sluice/egress'
import { readBedrockRole } from '@sluice/providers'
import { type RequestToSign, RoleSession, type SignedRequest } from './role-session.ts'

export interface RoleSessions {
  /**
   * Returns a connection's session in its role: at once if there is one that can be used, also while it is being renewed; otherwise when
   * it has arrived, with one request for all callers that wait.
   * @throws (rejects, or at once) SluiceError `credential_unavailable` if there is none
   */
  get(connection: ProjectedConnection): RoleSession | Promise<RoleSession>
  forget(connectionId: string): void
}

/**
 * Keeps sessions by connection and never by role, since two connections to one role each show their own external id. A session in use is
 * renewed before it expires, and no request waits for that.
 */
export function roleSessions(
  assumer: Pick<RoleAssumer, 'assume'>,
  nowMs: () => number,
  onFault: (error: unknown) => void,
): RoleSessions {
  const entries = new Map<string, Entry>()

  const entryOf = (connection: ProjectedConnection): Entry => {
    const known = entries.get(connection.id)
    // A request from before a change is served as the connection is now.
    if (known !== undefined && connection.version <= known.version) return known
    const role = connectionRole(connection)
    if (known !== undefined && isDeepStrictEqual(known.role, role)) {
      known.version = connection.version
      return known
    }
    const entry = { role, version: connection.version, retryAtMs: 0 }
    entries.set(connection.id, entry)
    return entry
  }

  const fetch = async (entry: Entry): Promise<void> => {
    try {
      entry.cached = new RoleSession(await assumer.assume(entry.role), nowMs())
    } catch (cause) {
      entry.retryAtMs = nowMs() + RETRY_MS
      entry.fault = new SluiceError('credential_unavailable', 'the role could not be assumed', { cause })
      onFault(entry.fault)
    }
    delete entry.fetching
  }

  const refresh = (entry: Entry): void => {
    if (entry.fetching !== undefined || (entry.cached !== undefined && !entry.cached.isDueAt(nowMs()))) return
    if (nowMs() >= entry.retryAtMs) entry.fetching = fetch(entry)
  }

  return {
    get: (connection) => {
      const entry = entryOf(connection)
      refresh(entry)
      return usable(entry, nowMs()) ?? sessionToCome(entry, nowMs)
    },
    forget: (connectionId) => {
      entries.delete(connectionId)
    },
  }
}

/** Creates the signer of requests within the connections' sessions (AWS Signature Version 4). */
export function roleSigner(sessions: RoleSessions): RequestSigner {
  return {
    prepare: async (connection) => {
      try {
        await sessions.get(connection)
      } catch {
        // `sessions` has logged it, and throws it again in `sign`.
      }
    },
    sign: async (connection, request) => {
      const session = await sessions.get(connection)
      const signature = await session.sign(request, String(connection.config.region))
      return { request: { ...request, headers: [...request.headers, ...signature] }, secrets: session.secrets }
    },
  }
}

interface Entry {
  readonly role: RoleToAssume
  /** The newest version of the connection that is known to have this role. */
  version: number
  cached?: RoleSession
  /** Never rejects; an error is in `fault`. */
  fetching?: Promise<void>
  fault?: SluiceError
  /** After a failure: the earliest time for the next attempt. */
  retryAtMs: number
}

/** While STS is unavailable or refuses, not every request tries it. */
const RETRY_MS = 1_000

function usable({ cached }: Entry, nowMs: number): RoleSession | undefined {
  return cached?.isUsableAt(nowMs) ? cached : undefined
}

async function sessionToCome(entry: Entry, nowMs: () => number): Promise<RoleSession> {
  await entry.fetching
  const session = usable(entry, nowMs())
  if (session !== undefined) return session
  throw entry.fault ?? new SluiceError('credential_unavailable', 'the role could not be assumed')
}

/** @throws SluiceError `credential_unavailable` if the connection's config names no role */
function connectionRole({ name, config }: ProjectedConnection): RoleToAssume {
  const read = readBedrockRole(config)
  if (!read.valid) {
    const fields = read.errors.map(({ field }) => field).join(', ')
    throw new SluiceError('credential_unavailable', `the connection's config names no role: ${fields}`)
  }
  const sessionName = `sluice-${name}`.slice(0, MAX_SESSION_NAME_LENGTH)
  return { ...read.role, sessionName, sessionSeconds: SESSION_SECONDS }
}

/** @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
const MAX_SESSION_NAME_LENGTH = 64
/** The longest that every role allows, also if it is assumed by an assumed role. */
const SESSION_SECONDS = 3_600

/** Signs the requests of connections that use an AWS role, each connection in a session of its own. */
export interface RequestSigner {
  /** Resolves when {@link sign} does not have to wait for a session. Never rejects: `sign` reports that there is none. */
  prepare(connection: ProjectedConnection): Promise<void>
  /**
   * Returns the signed request, its body and every other header unchanged.
   * @throws (rejects) SluiceError `credential_unavailable` if there is no session
   */
  sign(connection: ProjectedConnection, request: RequestToSign): Promise<SignedRequest>
}
