import type { CredentialVersionPage } from '@sluice/contracts'
import { rollbackUntil, toVersionView } from '../domain/credential-version.ts'
import { fromNumberCursor, toCursor } from '../domain/list-cursor.ts'
import type { ApplicationDeps } from './deps.ts'
import { findConnection } from './find-connection.ts'

export interface VersionQuery {
  readonly limit?: number
  readonly cursor?: string
}

/** The versions of a connection's credential, newest first. @throws SluiceError `not_found`, `invalid_request` */
export async function listCredentialVersions(
  deps: Pick<ApplicationDeps, 'connections' | 'credentialHistory' | 'credentialGraceMs' | 'now'>,
  id: string,
  { limit = DEFAULT_LIMIT, cursor }: VersionQuery,
): Promise<CredentialVersionPage> {
  const { credential: current } = await findConnection(deps, id)
  if (current === undefined) return { items: [] }
  const beyond = current.version + 1
  const before = cursor === undefined ? beyond : Math.min(fromNumberCursor(cursor), beyond)
  const recorded = await deps.credentialHistory.list(id, { before, limit })
  const time = { now: deps.now(), graceMs: deps.credentialGraceMs }
  const last = recorded.at(-1)?.version ?? 1
  return {
    items: recorded.map((one) => toVersionView(one, current, rollbackUntil(one, current, time))),
    ...(last > 1 ? { nextCursor: toCursor(last) } : {}),
  }
}

const DEFAULT_LIMIT = 50
