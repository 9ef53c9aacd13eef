import type { RequestSigner } from '../../ports.ts'
import type { RoleSessions } from './role-sessions.ts'

/** Signs within the connections' sessions (AWS Signature Version 4). */
export function roleSigner(sessions: RoleSessions): RequestSigner {
  return {
    prepare: async (connection) => {
      try {
        await sessions.get(connection)
      } catch {
        // Known to the sessions, who told of it in the log, and have it for `sign`.
      }
    },
    sign: async (connection, request) => {
      const session = await sessions.get(connection)
      const signature = await session.sign(request, String(connection.config.region))
      return { request: { ...request, headers: [...request.headers, ...signature] }, secrets: session.secrets }
    },
  }
}
