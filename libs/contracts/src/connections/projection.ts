import { type Static, Type } from 'typebox'
import { defineBucket, defineEvent } from '../define.ts'
import { ProviderId } from '../providers.ts'
import { subjectToken } from '../subject-token.ts'
import { connectionSettings } from './settings.ts'

/** A connection as every service sees it: no secret, nothing that only operators need. The key is its id. */
export type ProjectedConnection = Static<typeof ProjectedConnection>
export const ProjectedConnection = Type.Object({
  id: Type.String(),
  name: Type.String(),
  provider: ProviderId,
  /** The provider's config without its secret fields. */
  config: Type.Record(Type.String(), Type.Unknown()),
  /** Absent where the provider needs no stored credential. */
  credentialVersion: Type.Optional(Type.Integer({ minimum: 1 })),
  allowedModels: Type.Optional(connectionSettings.allowedModels),
  capacity: connectionSettings.capacity,
  defaultMaxOutputTokens: connectionSettings.defaultMaxOutputTokens,
  tokenReservation: connectionSettings.tokenReservation,
  onCapacityUnavailable: connectionSettings.onCapacityUnavailable,
  maxWaitMs: connectionSettings.maxWaitMs,
  /** Absent: false. */
  enforceDiscovered: Type.Optional(connectionSettings.enforceDiscovered),
  /** Absent: false. */
  allowAdministration: Type.Optional(connectionSettings.allowAdministration),
  /** Absent: true. */
  requestStreamUsage: Type.Optional(connectionSettings.requestStreamUsage),
  enabled: connectionSettings.enabled,
  version: Type.Integer({ minimum: 1 }),
})

export const connectionProjection = defineBucket({ name: 'connections', value: ProjectedConnection })

/** A connection was created, updated, rotated or deleted. */
export const connectionChanged = defineEvent({
  subject: (connectionId: string) => `connections.v1.changed.${subjectToken(connectionId)}`,
  event: Type.Object({
    connectionId: Type.String(),
    name: Type.String(),
    change: Type.Union([
      Type.Literal('created'),
      Type.Literal('updated'),
      Type.Literal('rotated'),
      Type.Literal('deleted'),
    ]),
    version: Type.Integer({ minimum: 1 }),
  }),
})
