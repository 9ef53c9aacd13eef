import { type Static, Type } from 'typebox'
import { OperatorRole } from './operator-token.ts'

/** What a console session is begun with. */
export type SessionInput = Static<typeof SessionInput>
export const SessionInput = Type.Object({ token: Type.String({ maxLength: 200 }) }, { additionalProperties: false })

/** Who asks, and what they may do. */
export type SessionView = Static<typeof SessionView>
export const SessionView = Type.Object({
  /** The operator token that the session was begun with, or that the request brings. */
  tokenId: Type.String(),
  name: Type.String(),
  role: OperatorRole,
  /** When the session or the token ends, RFC 3339; absent: it does not. */
  expiresAt: Type.Optional(Type.String()),
})
