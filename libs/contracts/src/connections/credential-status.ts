import { Type } from 'typebox'
import { defineEvent } from '../define.ts'
import { subjectToken } from '../subject-token.ts'
import { CredentialFault } from './connection.ts'

/**
 * A gateway has learned whether a provider takes a connection's credential. Published when that changes, and again every few minutes while requests
 * are sent, as it may have been missed.
 */
export const credentialStatus = defineEvent({
  subject: (connectionId: string) => `gateway.v1.credentials.${subjectToken(connectionId)}`,
  event: Type.Object({
    connectionId: Type.String(),
    /** That of the credential. */
    version: Type.Integer({ minimum: 1 }),
    status: Type.Union([Type.Literal('accepted'), Type.Literal('rejected')]),
    /** HTTP status with which the provider rejected it. */
    upstreamStatus: Type.Optional(Type.Integer()),
  }),
})

/** A provider rejects a connection's credential, or takes it again (then `fault` is absent). */
export const credentialFaultChanged = defineEvent({
  subject: (connectionId: string) => `connections.v1.credential-fault.${subjectToken(connectionId)}`,
  event: Type.Object({
    connectionId: Type.String(),
    name: Type.String(),
    /** That of the credential. */
    version: Type.Integer({ minimum: 1 }),
    fault: Type.Optional(CredentialFault),
  }),
})
