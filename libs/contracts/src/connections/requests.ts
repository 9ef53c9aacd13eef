import { Type } from 'typebox'
import { defineRequest } from '../define.ts'
import { ProviderId } from '../providers.ts'
import { ConnectionInput, ConnectionPatch, ConnectionView } from './connection.ts'

const served = { queue: 'connections', timeoutMs: 5_000 } as const
const reading = { ...served, askAllAfterMs: 1_000 } as const

/** Who makes a change, for the audit log; the name an internal system gives itself. */
const actor = Type.Optional(Type.String({ minLength: 1, maxLength: 200 }))

/** Connections by name, a page at a time. */
export const listConnections = defineRequest({
  ...reading,
  subject: () => 'connections.v1.list',
  request: Type.Object({
    search: Type.Optional(Type.String({ maxLength: 200 })),
    provider: Type.Optional(ProviderId),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
    cursor: Type.Optional(Type.String({ maxLength: 200 })),
  }),
  reply: Type.Object({ items: Type.Array(ConnectionView), nextCursor: Type.Optional(Type.String()) }),
})

export const getConnection = defineRequest({
  ...reading,
  subject: () => 'connections.v1.get',
  request: Type.Object({ id: Type.String() }),
  reply: ConnectionView,
})

/** Secret fields of `connection.config` are sealed (see `ConnectionInput`). */
export const createConnection = defineRequest({
  ...served,
  subject: () => 'connections.v1.create',
  request: Type.Object({ actor, connection: ConnectionInput }),
  reply: ConnectionView,
})

export const updateConnection = defineRequest({
  ...served,
  subject: () => 'connections.v1.update',
  request: Type.Object({
    actor,
    id: Type.String(),
    /** Refused with `version_conflict` unless it is the connection's version. */
    ifVersion: Type.Optional(Type.Integer({ minimum: 1 })),
    changes: ConnectionPatch,
  }),
  reply: ConnectionView,
})

export const deleteConnection = defineRequest({
  ...served,
  subject: () => 'connections.v1.delete',
  request: Type.Object({ actor, id: Type.String(), ifVersion: Type.Optional(Type.Integer({ minimum: 1 })) }),
  reply: Type.Object({ id: Type.String() }),
})

/** The X25519 public key that secrets for the connections service are sealed to, in base64. */
export const sealingKey = defineRequest({
  ...reading,
  subject: () => 'connections.v1.sealing-key',
  request: Type.Object({}),
  reply: Type.Object({ publicKey: Type.String() }),
})
