import pg from 'pg'
import type { TestConnections } from './start-connections.ts'

/** Access to a running service as another operator than its first. */
export interface TestAccess {
  /** A fresh operator token. */
  token(role: 'admin' | 'viewer', name?: string): Promise<{ id: string; token: string }>
  /** A fresh session's `Cookie` header. */
  session(token: string): Promise<string>
  /** What the audit log has of an action, newest first. */
  audited(action: string): Promise<AuditedEntry[]>
  /** Queries the service's database. */
  sql(statement: string, values?: unknown[]): Promise<unknown[]>
}

interface AuditedEntry {
  readonly actor: string
  readonly actorTokenId?: string
  readonly details?: Readonly<Record<string, string>>
}

export function testAccess(connections: TestConnections, databaseUrl: string): TestAccess {
  return {
    token: async (role, name = role) => {
      const { status, body } = await connections.call('POST', '/api/v1/operator-tokens', { name, role })
      if (status !== 201) throw new Error(`no operator token: ${JSON.stringify(body)}`)
      return body
    },
    session: async (token) => {
      const { status, headers } = await connections.call('POST', '/api/v1/session', { token })
      if (status !== 201) throw new Error(`no session: ${status}`)
      return (headers.get('set-cookie') ?? '').split(';', 1)[0] ?? ''
    },
    audited: async (action) => {
      const { body } = await connections.call('GET', '/api/v1/audit-log?limit=200')
      return body.items.filter((entry: { action: string }) => entry.action === action)
    },
    sql: async (statement, values = []) => {
      const client = new pg.Client({ connectionString: databaseUrl })
      await client.connect()
      try {
        return (await client.query(statement, values)).rows
      } finally {
        await client.end()
      }
    },
  }
}
