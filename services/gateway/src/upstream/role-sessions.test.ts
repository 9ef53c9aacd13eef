import { CONNECTION_DEFAULTS, type ProjectedConnection } from '@sluice/contracts'
import type { RoleToAssume, TemporaryCredentials } from '@sluice/egress'
import { beforeEach, expect, it } from 'vitest'
import { type RoleSessions, roleSessions } from './role-sessions.ts'

const HOUR_MS = 3_600_000
const CONNECTION: ProjectedConnection = {
  id: 'c',
  name: 'prod',
  provider: 'aws-bedrock',
  config: { region: 'eu-central-1', iamRoleArn: 'arn:aws:iam::123456789012:role/r', externalId: 'e' },
  ...CONNECTION_DEFAULTS,
  version: 1,
}
let nowMs: number
let requested: { role: RoleToAssume; grant: () => void; refuse: (error: Error) => void }[]
let faults: unknown[]
let sessions: RoleSessions

beforeEach(() => {
  nowMs = 1_000_000
  requested = []
  faults = []
  const assume = (role: RoleToAssume) => {
    const { promise, resolve, reject } = Promise.withResolvers<TemporaryCredentials>()
    const expiration = new Date(nowMs + HOUR_MS)
    const grant = () => resolve({ accessKeyId: 'A', secretAccessKey: 's', sessionToken: 't', expiration })
    requested.push({ role, grant, refuse: reject })
    return promise
  }
  sessions = roleSessions(
    { assume },
    () => nowMs,
    (error) => faults.push(error),
  )
})

async function granted(connection = CONNECTION) {
  const session = sessions.get(connection)
  requested.at(-1)?.grant()
  return session
}

it('requests one session for all callers that wait, and then no more', async () => {
  const waiting = [sessions.get(CONNECTION), sessions.get(CONNECTION)]
  requested[0]?.grant()
  const [first, second] = await Promise.all(waiting)
  expect(second).toBe(first)
  expect(sessions.get(CONNECTION)).toBe(first)
  expect(requested).toHaveLength(1)
})

it('renews a session early, while the old one is used', async () => {
  const old = await granted()
  nowMs += 0.8 * HOUR_MS
  expect(sessions.get(CONNECTION)).toBe(old)
  expect(sessions.get(CONNECTION)).toBe(old)
  expect(requested).toHaveLength(2)
  requested[1]?.grant()
  await new Promise(setImmediate)
  expect(sessions.get(CONNECTION)).not.toBe(old)
  expect(requested).toHaveLength(2)
})

it('keeps using a session that cannot be renewed, and fails once it has expired', async () => {
  const old = await granted()
  nowMs += 0.8 * HOUR_MS
  sessions.get(CONNECTION)
  requested[1]?.refuse(new Error('down'))
  await new Promise(setImmediate)
  expect(sessions.get(CONNECTION)).toBe(old)
  expect(requested).toHaveLength(2)
  nowMs += 0.19 * HOUR_MS
  const late = sessions.get(CONNECTION)
  requested[2]?.refuse(new Error('still down'))
  await expect(late).rejects.toMatchObject({ code: 'credential_unavailable', cause: { message: 'still down' } })
  expect(faults).toHaveLength(2)
})

it('requests a session again only a second after a failure', async () => {
  const attempt = sessions.get(CONNECTION)
  requested[0]?.refuse(new Error('no'))
  await expect(attempt).rejects.toMatchObject({ code: 'credential_unavailable' })
  await expect(sessions.get(CONNECTION)).rejects.toMatchObject({ code: 'credential_unavailable' })
  expect(requested).toHaveLength(1)
  nowMs += 1_000
  await granted()
  expect(requested).toHaveLength(2)
})

it.each(['region', 'iamRoleArn', 'externalId'])('requests another session when the %s changes', async (field) => {
  const old = await granted()
  const changed = { ...CONNECTION, config: { ...CONNECTION.config, [field]: 'other' }, version: 2 }
  const fresh = await granted(changed)
  expect(fresh).not.toBe(old)
  // Requests from before the change do not turn it back.
  expect(sessions.get(CONNECTION)).toBe(fresh)
  expect(requested).toHaveLength(2)
})

it('keeps a session when anything else changes, and forgets that of a removed connection', async () => {
  const old = await granted()
  expect(sessions.get({ ...CONNECTION, enabled: false, version: 2 })).toBe(old)
  sessions.forget('c')
  expect(await granted()).not.toBe(old)
})

it('shares no session between connections to one role', async () => {
  const mine = await granted()
  expect(await granted({ ...CONNECTION, id: 'd' })).not.toBe(mine)
  expect(requested).toHaveLength(2)
})

it('names the session after the connection, within the length that AWS allows', async () => {
  await granted({ ...CONNECTION, name: 'n'.repeat(63) })
  expect(requested[0]?.role.sessionName).toMatch(/^sluice-n{57}$/)
})

it('reports what is missing in a config that names no role', () => {
  const { externalId, ...config } = CONNECTION.config
  expect(() => sessions.get({ ...CONNECTION, config })).toThrow(/names no role: .*externalId/)
})
