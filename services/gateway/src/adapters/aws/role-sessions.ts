import { isDeepStrictEqual } from 'node:util'
import { type ProjectedConnection, SluiceError } from '@sluice/contracts'
import type { RoleAssumer, RoleCredentials } from './assume-role.ts'
import { type ConnectionRole, connectionRole } from './connection-role.ts'
import { RoleSession } from './role-session.ts'

export interface RoleSessions {
  /**
   * A connection's session in its role: at once if one is held, be it that a fresher one is under way; else when it has come,
   * with one request for all who wait.
   * @throws (rejects, or at once) SluiceError `credential_unavailable` when it cannot be had
   */
  get(connection: ProjectedConnection): RoleSession | Promise<RoleSession>
  forget(connectionId: string): void
}

/**
 * Sessions are held by connection and never by role: of two connections to one role, each shows its own external id. One that
 * goes on in use is renewed before it expires, and no request waits for that.
 */
export function roleSessions(
  assumer: Pick<RoleAssumer, 'credentialsOf'>,
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
    const entry = { role, version: connection.version, assume: assumer.credentialsOf(role), retryAtMs: 0 }
    entries.set(connection.id, entry)
    return entry
  }

  const fetch = async (entry: Entry): Promise<void> => {
    try {
      entry.held = new RoleSession(await entry.assume(), nowMs())
    } catch (cause) {
      entry.retryAtMs = nowMs() + RETRY_MS
      entry.fault = new SluiceError('credential_unavailable', 'the role could not be assumed', { cause })
      onFault(entry.fault)
    }
    delete entry.fetching
  }

  const refresh = (entry: Entry): void => {
    if (entry.fetching !== undefined || (entry.held !== undefined && !entry.held.isDueAt(nowMs()))) return
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

interface Entry {
  readonly role: ConnectionRole
  /** The newest of the connection's that the role is known to hold for. */
  version: number
  readonly assume: () => Promise<RoleCredentials>
  held?: RoleSession
  /** Never rejects: what went wrong is in `fault`. */
  fetching?: Promise<void>
  fault?: SluiceError
  /** After a failure: when to ask again at the earliest. */
  retryAtMs: number
}

/** An STS that is away, or that refuses, is not asked again with every request. */
const RETRY_MS = 1_000

function usable({ held }: Entry, nowMs: number): RoleSession | undefined {
  return held?.isUsableAt(nowMs) ? held : undefined
}

async function sessionToCome(entry: Entry, nowMs: () => number): Promise<RoleSession> {
  await entry.fetching
  const session = usable(entry, nowMs())
  if (session !== undefined) return session
  throw entry.fault ?? new SluiceError('credential_unavailable', 'the role could not be assumed')
}
