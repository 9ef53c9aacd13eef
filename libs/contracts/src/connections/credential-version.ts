import { type Static, Type } from 'typebox'
import { CredentialFault } from './connection.ts'

/** A new credential for a connection: the `config` of a `ConnectionPatch`, with every secret field of its provider. */
export type CredentialRotation = Static<typeof CredentialRotation>
export const CredentialRotation = Type.Object(
  { config: Type.Record(Type.String(), Type.Unknown()) },
  { additionalProperties: false },
)

/** What may be known of one version of a connection's credential: never the credential. */
export type CredentialVersion = Static<typeof CredentialVersion>
export const CredentialVersion = Type.Object({
  version: Type.Integer({ minimum: 1 }),
  /** As that of a `CredentialView`. */
  hint: Type.String(),
  /** `previous`: it can be rolled back to. `retired`: it is destroyed, or about to be; it never comes back. */
  status: Type.Union([Type.Literal('current'), Type.Literal('previous'), Type.Literal('retired')]),
  /** RFC 3339. */
  createdAt: Type.String(),
  /** As the audit log names them; absent where it is not known. */
  createdBy: Type.Optional(Type.String()),
  /** The version whose credential it has, where it came by a roll-back. */
  restores: Type.Optional(Type.Integer({ minimum: 1 })),
  /** What wrapped its data key, and under which key; absent once it is destroyed. */
  keyService: Type.Optional(Type.String()),
  keyId: Type.Optional(Type.String()),
  /** As that of a `CredentialView`. */
  fault: Type.Optional(CredentialFault),
  /** Of the previous version: until when it can be rolled back to, RFC 3339. */
  rollbackUntil: Type.Optional(Type.String()),
})

/** The versions of a connection's credential, newest first. */
export type CredentialVersionPage = Static<typeof CredentialVersionPage>
export const CredentialVersionPage = Type.Object({
  items: Type.Array(CredentialVersion),
  nextCursor: Type.Optional(Type.String()),
})
