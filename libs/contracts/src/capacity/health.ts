import { Type } from 'typebox'
import { defineRequest } from '../define.ts'

/**
 * Whether permits are given now: the capacity instance that is asked writes to the store its counters live on before it
 * replies. Not ready, it says why, in words for people. The clock is for gateways that hear no heartbeat.
 */
export const capacityHealth = defineRequest({
  subject: () => 'capacity.v1.health',
  queue: 'capacity',
  timeoutMs: 1_000,
  askAllAfterMs: 300,
  request: Type.Object({}),
  reply: Type.Object({
    ready: Type.Boolean(),
    reason: Type.Optional(Type.String()),
    /** The counters' clock when it replied, Unix milliseconds. */
    clockMs: Type.Optional(Type.Integer()),
  }),
})

/**
 * How long an instance waits for its write before it replies that it is not ready, in milliseconds. Together with the time
 * after which all are asked it is less than a requester waits.
 */
export const HEALTH_WRITE_MS = 600
